import asyncio
from contextlib import closing

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pocket.patches import Patched, PatchEmbedder, apart
from services.runtime.profile import Profile


def unit(*rows: tuple[float, ...]) -> NDArray[np.float32]:
    found = np.array(rows, np.float32)
    lengths: NDArray[np.float32] = np.linalg.norm(found, axis=-1, keepdims=True)
    return found / lengths


def test_the_patches_of_a_picture_are_where_they_are_in_it() -> None:
    spec = Profile.load("pocket").embedder
    picture = Image.new("RGB", (160, 160), "white")
    changed = picture.copy()
    changed.paste("red", (0, 0, 80, 160))
    with closing(PatchEmbedder(spec)) as embedder:
        both = asyncio.run(embedder.embed_images([picture, changed])).reshape(2, 8, 8, -1)
    assert np.linalg.norm(both, axis=-1) == pytest.approx(1, abs=1e-5)
    away = np.linalg.norm(both[0] - both[1], axis=-1)
    assert away[:, :4].min() > away[:, 4:].max()


def test_each_patch_is_held_against_the_most_like_it() -> None:
    region = unit((1, 0), (0, 1))
    views = np.stack([unit((0, 1), (1, 0)), unit((1, 0), (1, 0)), unit((-1, 0), (-1, 0))])
    assert apart(region, views) == pytest.approx([0, 1, 3**0.5])


def test_patches_count_by_their_share_on_the_scale_of_whole_pictures() -> None:
    # Whole pictures of one concept are 0.2 apart, those of two are 1.0; by patches 0 and sqrt(2).
    views = [unit((1, 0), (1, 0))[:, None], unit((0, 1), (0, 1))[:, None]]
    whole = [np.array([[0, 0], [0.2, 0]], np.float32), np.array([[1, 0], [1.2, 0]], np.float32)]
    patched = Patched(views, whole)
    distances = [np.array([[0.6, 0.6]]), np.array([[0.8, 0.8]])]
    regions = unit((1, 0))[:, None]
    first, second = patched.beside(distances, regions, 1.0)
    assert first[0] == pytest.approx([0.2, 0.2], abs=1e-6)
    assert second[0] == pytest.approx([1.0, 1.0], abs=1e-6)
    first, second = patched.beside(distances, regions, 0.5)
    assert first[0] == pytest.approx([0.4, 0.4], abs=1e-6)
    assert second[0] == pytest.approx([0.9, 0.9], abs=1e-6)
