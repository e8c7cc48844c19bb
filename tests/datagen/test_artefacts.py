"""Damaged pictures are told from clean ones, drawn or photographed.

Against photographs with KITH_TEST_PHOTOS=FOLDER.
"""

import io
import os
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from datagen import layout_files
from datagen.artefacts import TOO_SMALL, blocking, noise
from datagen.identities import identities
from datagen.pictures import jpeg, open_picture, pictures_in
from datagen.plan import draw_up
from datagen.playroom_engine import PlayroomEngine
from datagen.quality import fault, measure

_PHOTOS = os.environ.get("KITH_TEST_PHOTOS")
Damage = Callable[[Image.Image], Image.Image]


def saved_badly(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=10)
    return Image.open(buffer).convert("RGB")


def salted(picture: Image.Image) -> Image.Image:
    """Every fiftieth pixel is black or white."""
    pixels = np.array(picture)
    chance = np.random.default_rng(0).random(pixels.shape[:2])
    pixels[chance < 0.01], pixels[chance > 0.99] = 0, 255
    return Image.fromarray(pixels)


def grainy(picture: Image.Image) -> Image.Image:
    grain = np.random.default_rng(0).normal(0, 12, (picture.height, picture.width))
    return _plus(picture, grain)


def chequered(picture: Image.Image, cell: int = 1) -> Image.Image:
    """A grid as bad upsampling leaves it."""
    rows, columns = np.indices((picture.height, picture.width)) // cell
    return _plus(picture, 16 * ((rows + columns) % 2 * 2 - 1))


def chequered_by_four(picture: Image.Image) -> Image.Image:
    return chequered(picture, 4)


def enlarged(picture: Image.Image) -> Image.Image:
    """Of every 4 x 4 pixels one is left, and repeated."""
    small = picture.reduce(4)
    return small.resize((4 * small.width, 4 * small.height), Image.Resampling.NEAREST)


def _plus(picture: Image.Image, added: NDArray[np.floating | np.integer]) -> Image.Image:
    pixels = np.asarray(picture) + added[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


DAMAGES = [saved_badly, salted, grainy, chequered, chequered_by_four, enlarged]


@pytest.fixture(scope="module")
def drawings() -> list[Image.Image]:
    """Some of Playroom, as a dataset holds them."""
    return [
        Image.open(io.BytesIO(jpeg(picture))).convert("RGB")
        for split in ("yollava", "msbench")
        for picture in islice(_drawn(split), 20)
    ]


def _drawn(split: str) -> Iterator[Image.Image]:
    wanted = layout_files.load(split)
    known = identities(wanted, 1)
    engine = PlayroomEngine(known)
    plan = draw_up(wanted, [one.concept for one in known], engine.settings, 1)
    return (engine.draw(job, 0).image for job in plan.jobs)


@pytest.fixture(scope="module")
def photos() -> list[Image.Image]:
    if not _PHOTOS:
        pytest.skip("set KITH_TEST_PHOTOS to a folder of photographs")
    return [open_picture(path, "photos") for path in pictures_in(Path(_PHOTOS), "photos")[::4]]


def damaged(pictures: list[Image.Image]) -> float:
    """The share that is found to be."""
    return float(np.mean([fault(measure(picture)) == "ARTEFACTS" for picture in pictures]))


def test_clean_drawings_are_clean(drawings: list[Image.Image]) -> None:
    assert damaged(drawings) == 0


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_drawings_are_known(damage: Damage, drawings: list[Image.Image]) -> None:
    assert damaged([damage(picture) for picture in drawings]) >= 0.95


def test_clean_photos_are_clean_but_where_all_is_texture(photos: list[Image.Image]) -> None:
    assert damaged(photos) <= 0.05


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_photos_are_known(damage: Damage, photos: list[Image.Image]) -> None:
    assert damaged([damage(picture) for picture in photos]) >= 0.95


@pytest.mark.parametrize("sigma", [0, 3, 20])
def test_noise_is_its_standard_deviation(sigma: float) -> None:
    slope = np.add.outer(np.arange(300), np.arange(400)) / 4
    levels = slope + np.random.default_rng(0).normal(0, sigma, slope.shape)
    assert noise(levels.astype(np.float32)) == pytest.approx(sigma, rel=0.07, abs=1e-4)


def test_blocks_are_found_wherever_their_grid_begins_and_one_long_edge_is_none() -> None:
    steps = np.random.default_rng(0).integers(0, 5, (20, 30)).repeat(8, 0).repeat(8, 1)
    levels = steps.astype(np.float32)
    assert blocking(levels) > 2
    assert blocking(levels[3:, 5:]) == pytest.approx(blocking(levels), rel=0.05)
    edge = np.zeros((160, 240), np.float32)
    edge[:, 80:] = 200
    assert blocking(edge) == 1


def test_what_is_too_small_to_tell_is_clean() -> None:
    tiny = np.random.default_rng(0).integers(0, 255, (TOO_SMALL - 1, 90)).astype(np.float32)
    assert (blocking(tiny), noise(tiny)) == (1, 0)
    assert noise(tiny.repeat(2, axis=0)) > 5
