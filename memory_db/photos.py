"""The photo store: images named by their content, in a folder or any place fsspec reaches."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import fsspec
from fsspec.asyn import AsyncFileSystem, sync
from fsspec.implementations.local import LocalFileSystem

from kith.errors import NotFound, Refused, Unavailable
from memory_db.durable import write_durably, writing

_PATIENCE_S: Final = 10.0
"""For a photo in a store elsewhere. s3fs itself waits for ever for one that accepts connections and
says nothing, with the memory's lock and a thread in its hands."""


def content_hash(image: bytes) -> str:
    """The sha256 of the bytes in hex: the name a photo is stored under."""
    return hashlib.sha256(image).hexdigest()


def files_at(place: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path in it. Nothing is connected yet.

    Raises:
        Refused: fsspec has no such file system, or lacks a package for it.
    """
    try:
        files, root = fsspec.core.url_to_fs(place)
    except (ImportError, ValueError) as error:
        raise Refused(
            f"photos: {place!r} can't be used ({error}); install what it needs, which for S3 is "
            'pip install "kith[s3]", or correct KITH_PHOTOS',
            reason="PHOTOS_URL_INVALID",
            field="photos",
        ) from error
    return files, root


class PhotoStore:
    """The photos of one memory, under one folder or URL. Safe to call from many threads.

    Args:
        place: A local path, or a URL of fsspec such as `s3://bucket/folder`.

    Raises:
        Refused: As `files_at`, or the folder can't be made (`PHOTOS_UNUSABLE`). Every call raises
            `Unavailable` when the place can't be reached or read.
    """

    def __init__(self, place: str) -> None:
        self._files, self._root = files_at(place)
        self._local = isinstance(self._files, LocalFileSystem)
        if not self._local:
            return
        try:
            Path(self._root).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(
                f"photos: {self._root} can't be made ({error.strerror}); name a folder that you "
                "may write to in KITH_PHOTOS",
                reason="PHOTOS_UNUSABLE",
                field="photos",
            ) from error

    def put(self, image: bytes) -> str:
        """Store a photo and return its name; durable on return, never there in part.

        Raises:
            Refused: The disk is full or can't be written (`PHOTOS_UNWRITABLE`).
        """
        blob = content_hash(image)
        if self._local:
            with writing("photos"):
                write_durably(Path(self._path(blob)), image)
        else:
            with self._reaching():
                self._ask("pipe_file", self._path(blob), image)
        return blob

    def get(self, blob: str) -> bytes:
        """The photo of that name.

        Raises:
            NotFound: There is none.
        """
        with self._reaching():
            try:
                image: bytes = self._ask("cat_file", self._path(blob))
            except FileNotFoundError as error:
                raise NotFound(f"no photo {blob} is stored", reason="PHOTO_NOT_FOUND") from error
        return image

    def delete(self, blob: str) -> None:
        """Remove a photo; nothing happens when it is not there.

        Raises:
            Refused: The disk can't be written (`PHOTOS_UNWRITABLE`).
        """
        if self._local:
            with writing("photos"):
                Path(self._path(blob)).unlink(missing_ok=True)
        else:
            with self._reaching(), suppress(FileNotFoundError):
                self._ask("rm_file", self._path(blob))

    def names(self) -> set[str]:
        """Every stored photo, and every file that a killed process left half written."""
        with self._reaching():
            self._files.invalidate_cache()  # an object store may remember an older listing
            return {path.rsplit("/", 1)[-1] for path in self._files.find(self._root)}

    def _ask(self, call: str, *arguments: Any) -> Any:  # noqa: ANN401 - fsspec has no types
        """A call of the file system; one that waits elsewhere is given up in the end."""
        if not isinstance(self._files, AsyncFileSystem):
            return getattr(self._files, call)(*arguments)
        waiting = getattr(self._files, f"_{call}")
        return sync(self._files.loop, waiting, *arguments, timeout=_PATIENCE_S)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if isinstance(error, NotFound):
                raise
            what = type(error).__name__
            if self._local:
                if not isinstance(error, OSError):
                    raise
                what = error.strerror or what
            raise Unavailable(
                f"photos: the place of the photos fails ({what}); look whether KITH_PHOTOS can be "
                "reached and written",
                reason="PHOTOS_UNREACHABLE",
            ) from error

    def _path(self, blob: str) -> str:
        return f"{self._root}/{blob}"
