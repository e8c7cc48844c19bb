"""Preprocessing, held against open_clip's own transform."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image

from kith.errors import Refused
from services.embedding.preprocess import Preprocess

SIZES = [(64, 64), (200, 64), (63, 201), (30, 31), (500, 333), (17, 400), (336, 1007)]


def noise(size: tuple[int, int]) -> Image.Image:
    rng = np.random.default_rng(size[0] * 1000 + size[1])
    return Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), np.uint8))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_a_picture_becomes_what_open_clip_makes_of_it(
    size: tuple[int, int], mode: str, interpolation: str
) -> None:
    config = {"resize_mode": mode, "interpolation": interpolation}
    theirs = open_clip.image_transform(64, is_train=False, **config)(noise(size)).numpy()
    see = Preprocess.from_config(64, config)
    square = see(noise(size))
    assert square.dtype == np.uint8
    (ours,) = see.normalised(torch.from_numpy(square[None].copy())).numpy()
    assert ours.dtype == np.float32
    assert ours.shape == (3, 64, 64)
    assert np.allclose(ours, theirs, atol=1e-5)


def test_a_line_of_one_pixel_costs_no_more_than_a_picture() -> None:
    assert Preprocess.from_config(336, {})(Image.new("RGB", (1, 20_000))).shape == (336, 336, 3)


@pytest.mark.parametrize("config", [{"resize_mode": "random"}, {"interpolation": "random"}])
def test_an_unknown_way_of_resizing_is_refused(config: dict[str, str]) -> None:
    with pytest.raises(Refused, match="preprocess_cfg"):
        Preprocess.from_config(64, config)
