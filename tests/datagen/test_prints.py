"""Copies of a picture are known for what they are, and others are not."""

import io

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

from datagen.prints import fingerprint, near_copies, variants
from tests.datagen.drawn import drawn


def saved_badly(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=30)
    return Image.open(buffer)


CHANGES = {
    "saved badly": saved_badly,
    "smaller": lambda picture: picture.resize((32, 24)),
    "brighter": lambda picture: ImageEnhance.Brightness(picture).enhance(1.2),
    "mirrored": ImageOps.mirror,
    "cut": lambda picture: picture.crop((6, 4, 90, 68)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_picture_is_still_a_copy(change: str) -> None:
    for number in range(12):
        picture = drawn(number)
        copy = fingerprint(CHANGES[change](picture))
        assert near_copies(copy[None], variants(picture))[0], number


def test_other_pictures_are_no_copies() -> None:
    prints = np.array([fingerprint(drawn(number)) for number in range(60)])
    for number in range(60):
        others = np.delete(prints, number, axis=0)
        assert not near_copies(prints[[number]], others)[0]


def test_an_even_picture_is_nobodys_copy() -> None:
    grey = fingerprint(Image.new("RGB", (20, 20), (90, 90, 90)))
    assert not grey.any()
    assert not near_copies(grey[None], variants(drawn(1)))[0]
    assert not near_copies(grey[None], np.empty((0, 256), np.float32))[0]
