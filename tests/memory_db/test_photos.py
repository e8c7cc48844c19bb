"""Photos by their hash: in a folder, in fsspec's memory, and in S3 as far as it is needed."""

import asyncio
import errno
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import fsspec
import pytest

from kith.errors import NotFound, Refused, Unavailable
from memory_db import Kept, MemoryPlace
from memory_db import photos as memory_photos
from memory_db.photos import PhotoStore, content_hash
from tests.disk import no_more_files
from tests.memory_db.s3_server import s3_server
from tests.reliability.proxy import Fault, Proxy


@pytest.fixture(params=["folder", "memory", "s3"])
def photos(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PhotoStore]:
    if request.param == "folder":
        yield PhotoStore(str(tmp_path / "deep" / "photos"))
    elif request.param == "memory":
        yield PhotoStore("memory://bucket/photos")
        fsspec.filesystem("memory").store.clear()
    else:
        with s3_server() as url:
            # What FSSPEC_S3_ENDPOINT_URL and AWS_... say, which are read once a process.
            access = {"endpoint_url": url, "key": "mine", "secret": "own"}
            monkeypatch.setitem(fsspec.config.conf, "s3", access)
            yield PhotoStore("s3://bucket/photos")


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


def test_a_full_disk_leaves_no_part_of_a_photo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    photos = PhotoStore(str(tmp_path))
    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Refused, match="no space"):
        photos.put(b"picture")
    assert photos.names() == set()


def test_a_memory_whose_photos_can_not_be_kept_is_refused_and_not_held_open(tmp_path: Path) -> None:
    (tmp_path / "photos").write_bytes(b"a file")
    place = MemoryPlace(tmp_path, photos_url=str(tmp_path / "photos"))
    kept = []
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            place.open(Kept("me", "clip", 8))
        assert (refused.value.reason, refused.value.field) == ("PHOTOS_UNUSABLE", "photos")
        kept.append(refused)  # whoever keeps the error must not keep the memory with it


def test_photos_that_can_not_be_read_are_unavailable_by_name(tmp_path: Path) -> None:
    photos = PhotoStore(str(tmp_path))
    blob = photos.put(b"picture")
    with no_more_files(), pytest.raises(Unavailable, match="open files") as failure:
        photos.get(blob)
    assert failure.value.reason == "PHOTOS_UNREACHABLE"
    assert photos.get(blob) == b"picture"


def test_an_object_store_that_fails_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    photos = PhotoStore("memory://bucket/photos")

    def fail(*_: object) -> None:
        raise ConnectionError("secret-bucket.example")

    for method in ("pipe_file", "cat_file", "rm_file", "find"):
        monkeypatch.setattr(fsspec.filesystem("memory"), method, fail)
    for use in (
        lambda: photos.put(b"picture"),
        lambda: photos.get("f00d"),
        lambda: photos.delete("f00d"),
        photos.names,
    ):
        with pytest.raises(Unavailable, match="ConnectionError") as failure:
            use()
        assert "secret" not in str(failure.value)


def test_a_bucket_that_is_not_there_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise FileNotFoundError("the specified bucket does not exist")

    monkeypatch.setattr(fsspec.filesystem("memory"), "pipe_file", fail)
    with pytest.raises(Unavailable, match="KITH_PHOTOS"):
        PhotoStore("memory://bucket/photos").put(b"picture")


async def test_a_store_that_accepts_and_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with s3_server() as url:
        async with Proxy(url.removeprefix("http://")).up() as proxy:
            access = {"endpoint_url": f"http://{proxy.address}", "key": "mine", "secret": "own"}
            monkeypatch.setitem(fsspec.config.conf, "s3", access)
            photos = PhotoStore("s3://bucket/photos")
            blob = await asyncio.to_thread(photos.put, b"picture")
            proxy.suffer(Fault.SILENCE)
            calls = (
                partial(photos.put, b"another"),
                partial(photos.get, blob),
                partial(photos.delete, blob),
            )
            with monkeypatch.context() as impatient:
                impatient.setattr(memory_photos, "_PATIENCE_S", 0.3)
                for call in calls:
                    with pytest.raises(Unavailable, match="FSTimeoutError"):
                        await asyncio.to_thread(call)
            await proxy.recover()
            assert await asyncio.to_thread(photos.get, blob) == b"picture"


def test_a_place_that_fsspec_can_not_use_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="KITH_PHOTOS"):
        MemoryPlace(tmp_path, photos_url="nosuch://bucket/photos")


def test_without_its_package_s3_is_refused_and_the_package_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    monkeypatch.delitem(sys.modules["fsspec.registry"]._registry, "s3", raising=False)
    with pytest.raises(Refused, match=r'pip install "kith\[s3\]"') as refused:
        MemoryPlace(tmp_path, photos_url="s3://bucket/photos")
    assert (refused.value.reason, refused.value.field) == ("PHOTOS_URL_INVALID", "photos")
