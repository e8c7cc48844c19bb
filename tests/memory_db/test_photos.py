"""Photos by their hash, in a folder and in an object store (fsspec's memory in its place)."""

from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from kith.errors import NotFound
from memory_db.photos import PhotoStore, content_hash


@pytest.fixture(params=["folder", "object store"])
def photos(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[PhotoStore]:
    if request.param == "folder":
        yield PhotoStore(str(tmp_path / "deep" / "photos"))
        return
    yield PhotoStore("memory://bucket/photos")
    fsspec.filesystem("memory").store.clear()


def test_a_photo_is_named_by_its_content(photos: PhotoStore) -> None:
    blob = photos.put(b"picture")
    assert blob == content_hash(b"picture") == photos.put(b"picture")
    assert photos.get(blob) == b"picture"
    assert photos.names() == {blob}


def test_a_photo_that_is_not_there_is_not_found(photos: PhotoStore) -> None:
    with pytest.raises(NotFound, match="f00d"):
        photos.get("f00d")


def test_a_deleted_photo_is_gone_and_deleting_again_does_nothing(photos: PhotoStore) -> None:
    blob = photos.put(b"picture")
    photos.delete(blob)
    photos.delete(blob)
    assert photos.names() == set()


def test_an_empty_store_has_no_names(photos: PhotoStore) -> None:
    assert photos.names() == set()


def test_a_file_cut_short_is_written_anew(tmp_path: Path) -> None:
    photos = PhotoStore(str(tmp_path))
    (tmp_path / content_hash(b"picture")).write_bytes(b"pict")
    assert photos.get(photos.put(b"picture")) == b"picture"
    assert len(list(tmp_path.iterdir())) == 1
