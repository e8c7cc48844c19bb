"""Negatives from a folder: the nearest, and others by chance."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused
from services.baselines.pool import Pool
from tests.assistant.world import PaintEmbedder, Thing, paint


class Counting(PaintEmbedder):
    def __init__(self) -> None:
        self.seen = 0

    async def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
        self.seen += len(images)
        return await super().embed_images(images)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Dogs of growing difference to a dog of 0 degrees, in two folders, and what is no picture."""
    pool = tmp_path / "pool"
    for place in ("a", "b/c"):
        (pool / place).mkdir(parents=True)
    for degrees in range(0, 90, 10):
        place = "a" if degrees % 20 else "b/c"
        paint(Thing("dog", degrees)).save(pool / place / f"{degrees:02}.png")
    (pool / "a" / "broken.jpg").write_bytes(b"\xff\xd8\xff no")
    (pool / "a" / "notes.txt").write_text("no picture", encoding="utf-8")
    return pool


async def vectors(*things: Thing) -> NDArray[np.float32]:
    return await PaintEmbedder().embed_images([paint(thing) for thing in things])


async def test_the_nearest_are_hard_the_views_themselves_are_left_out(
    folder: Path, tmp_path: Path
) -> None:
    pool = Pool(folder, Counting(), tmp_path / "cache")
    mined = await pool.mine(await vectors(Thing("dog", 0)), 3, 2, seed=0)
    assert mined.hard == ("a/10.png", "b/c/20.png", "a/30.png")
    assert len(mined.soft) == 2
    assert not set(mined.soft) & set(mined.hard)
    assert "b/c/00.png" not in (*mined.hard, *mined.soft)
    assert [picture.size for picture in pool.read(mined.hard)] == [(100, 80)] * 3
    assert await pool.mine(await vectors(Thing("dog", 0)), 3, 2, seed=0) == mined


async def test_of_a_small_pool_all_is_taken(folder: Path, tmp_path: Path) -> None:
    pool = Pool(folder / "b", Counting(), tmp_path / "cache")
    mined = await pool.mine(await vectors(Thing("dog", 0)), 100, 100, seed=0)
    assert (len(mined.hard), mined.soft) == (4, ())


async def test_vectors_are_computed_once_and_anew_for_a_changed_file(
    folder: Path, tmp_path: Path
) -> None:
    view = await vectors(Thing("dog", 0))
    embedder = Counting()
    await Pool(folder, embedder, tmp_path / "cache").mine(view, 1, 0, seed=0)
    assert embedder.seen == 9
    changed = folder / "a" / "10.png"
    paint(Thing("dog", 85)).save(changed)
    os.utime(changed, ns=(1, 1))
    mined = await Pool(folder, embedder, tmp_path / "cache").mine(view, 1, 0, seed=0)
    assert embedder.seen == 10
    assert mined.hard == ("b/c/20.png",)
    (cached,) = (tmp_path / "cache").iterdir()
    cached.write_bytes(b"damaged")
    await Pool(folder, embedder, tmp_path / "cache").mine(view, 1, 0, seed=0)
    assert embedder.seen == 19


async def test_a_pool_of_nothing_but_the_views_is_refused(folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    pool = Pool(alone, Counting(), tmp_path / "cache")
    assert pool.is_empty()
    paint(Thing("dog", 0)).save(alone / "0.png")
    assert not pool.is_empty()
    with pytest.raises(Refused) as refused:
        await pool.mine(await vectors(Thing("dog", 0)), 1, 1, seed=0)
    assert refused.value.reason == "NEGATIVES_MISSING"
