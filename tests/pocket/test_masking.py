import numpy as np
from PIL import Image, ImageDraw

from pocket.masking import alone


def test_a_thing_stays_and_what_is_behind_it_goes() -> None:
    crop = Image.new("RGB", (200, 120), (120, 190, 240))
    ImageDraw.Draw(crop).ellipse((60, 20, 140, 100), fill=(200, 30, 30))
    found = np.asarray(alone(crop)).astype(int)
    assert np.abs(found[60, 100] - (200, 30, 30)).max() < 10
    corner = found[10, 10]
    assert np.ptp(corner) < 30
    assert np.abs(corner - (120, 190, 240)).max() > 50


def test_where_nothing_stands_out_the_crop_is_as_it_was() -> None:
    plain = Image.new("RGB", (60, 60), "green")
    assert alone(plain).tobytes() == plain.tobytes()
    narrow = Image.new("RGB", (300, 3), "green")
    assert alone(narrow) is narrow
