"""Quality is measured on pixels alone."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from datagen.quality import fault, measure
from tests.datagen.drawn import drawn


def mosaic(low: int = 0, high: int = 255) -> Image.Image:
    tiles = np.random.default_rng(0).integers(low, high, (17, 25, 3), np.uint8)
    return Image.fromarray(tiles.repeat(12, axis=0).repeat(12, axis=1))


def grainy() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8))


def test_the_laplacian_is_that_of_its_definition() -> None:
    levels = np.zeros((256, 256), np.uint8)
    levels[100, 50] = 200
    found = measure(Image.fromarray(levels).convert("RGB"))
    # One point gives -800 once and 200 four times, among 254 x 254.
    values = np.zeros(254 * 254)
    values[:5] = (-800, 200, 200, 200, 200)
    assert found.sharpness == pytest.approx(values.var(), rel=1e-4)
    assert found.brightness == pytest.approx(200 / 255 / 256**2, rel=1e-4)
    assert found.clipped == 1 - 1 / 256**2


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (mosaic(), None),
        (mosaic().filter(ImageFilter.GaussianBlur(6)), "BLURRED"),
        (Image.new("RGB", (64, 48), (120, 120, 120)), "BLURRED"),
        (grainy(), "ARTEFACTS"),
        (mosaic(0, 12), "EXPOSURE_WRONG"),
        (Image.new("RGB", (64, 48), "white"), "EXPOSURE_WRONG"),
        (mosaic(248, 255), "EXPOSURE_WRONG"),
    ],
)
def test_blur_artefacts_and_wrong_exposure_are_faults(
    picture: Image.Image, said: str | None
) -> None:
    assert fault(measure(picture)) == said


def test_a_drawing_is_more_even_than_grain() -> None:
    assert measure(drawn(1)).evenness > measure(grainy()).evenness
    assert measure(Image.new("RGB", (9, 9))).evenness == 1
