"""A pool embeds a picture once, whatever happens meanwhile."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datagen import pool
from kith.errors import InvalidInput
from tests.datagen.drawn import Counting, drawn, save


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(5):
        save(drawn(number), tmp_path / "pool" / f"{number % 2}" / f"{number}.jpg")
    return tmp_path / "pool"


def test_vectors_stand_in_the_order_of_the_files(folder: Path, tmp_path: Path) -> None:
    counting = Counting()
    found = pool.index(folder, counting.embedder, tmp_path / "cache")
    assert [file.name for file in found.files] == ["0.jpg", "2.jpg", "4.jpg", "1.jpg", "3.jpg"]
    assert found.vectors.shape == (5, 3)
    assert found.prints.shape == (5, 256)
    assert found.name == "pool"


def test_a_picture_is_embedded_once_and_again_when_it_changes(folder: Path, tmp_path: Path) -> None:
    counting = Counting()
    first = pool.index(folder, counting.embedder, tmp_path / "cache")
    again = pool.index(folder, counting.embedder, tmp_path / "cache")
    assert counting.pictures == 5
    assert np.array_equal(first.vectors, again.vectors)
    save(drawn(77, (50, 50)), folder / "0" / "0.jpg")
    changed = pool.index(folder, counting.embedder, tmp_path / "cache")
    assert counting.pictures == 6
    assert not np.array_equal(first.vectors[0], changed.vectors[0])


def test_a_cut_index_goes_on_where_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "_PART", 2)
    counting = Counting()

    def cut(done: int, of: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pool.index(folder, counting.embedder, tmp_path / "cache", cut)
    told: list[tuple[int, int]] = []
    found = pool.index(
        folder, counting.embedder, tmp_path / "cache", lambda *state: told.append(state)
    )
    assert counting.pictures == 5
    assert len(found.files) == 5
    assert told == [(4, 5), (5, 5)]


def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path) -> None:
    counting = Counting()
    pool.index(folder, counting.embedder, tmp_path / "cache")
    (part,) = (tmp_path / "cache").rglob("*.npz")
    part.write_bytes(part.read_bytes()[:100])
    assert len(pool.index(folder, counting.embedder, tmp_path / "cache").files) == 5


def test_what_is_no_picture_is_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    found = pool.index(folder, Counting().embedder, tmp_path / "cache")
    assert [file.name for file in found.unreadable] == ["broken.png"]
    assert len(found.files) == 5


def test_a_picture_of_too_many_pixels_is_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(folder / "huge.png")
    found = pool.index(folder, Counting().embedder, tmp_path / "cache")
    assert [file.name for file in found.unreadable] == ["huge.png"]
    assert len(found.files) == 5


def test_a_pool_without_a_picture_that_opens_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(InvalidInput, match=r"pool: .*: 1 picture, of which none can be read; name"):
        pool.index(tmp_path / "pool", Counting().embedder, tmp_path / "cache")


def test_two_models_share_no_vector(folder: Path, tmp_path: Path) -> None:
    counting = Counting()
    pool.index(folder, counting.embedder, tmp_path / "cache")
    other = pool.Embedder("another", counting.embed)
    pool.index(folder, other, tmp_path / "cache")
    assert counting.pictures == 10
