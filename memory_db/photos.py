"""The photo store: images named by their content, in a folder or any place fsspec reaches."""

import hashlib
from pathlib import Path

import fsspec
from fsspec.implementations.local import LocalFileSystem

from kith.errors import NotFound
from memory_db.durable import write_durably


def content_hash(image: bytes) -> str:
    """The sha256 of the bytes in hex: the name a photo is stored under."""
    return hashlib.sha256(image).hexdigest()


class PhotoStore:
    """The photos of one memory, under one folder or URL. Safe to call from many threads.

    Args:
        place: A local path, or a URL of fsspec such as `s3://bucket/folder`.
    """

    def __init__(self, place: str) -> None:
        self._files, self._root = fsspec.core.url_to_fs(place)
        self._local = isinstance(self._files, LocalFileSystem)
        if self._local:
            Path(self._root).mkdir(parents=True, exist_ok=True)

    def put(self, image: bytes) -> str:
        """Store a photo and return its name; durable on return, never there in part."""
        blob = content_hash(image)
        if self._local:
            write_durably(Path(self._path(blob)), image)
        else:
            self._files.pipe_file(self._path(blob), image)
        return blob

    def get(self, blob: str) -> bytes:
        """The photo of that name.

        Raises:
            NotFound: There is none.
        """
        try:
            image: bytes = self._files.cat_file(self._path(blob))
        except FileNotFoundError as error:
            raise NotFound(f"no photo {blob} is stored", reason="PHOTO_NOT_FOUND") from error
        return image

    def delete(self, blob: str) -> None:
        """Remove a photo; nothing happens when it is not there."""
        try:
            self._files.rm_file(self._path(blob))
        except FileNotFoundError:
            return

    def names(self) -> set[str]:
        """Every stored photo, and every file that a killed process left half written."""
        self._files.invalidate_cache()  # an object store may remember an older listing
        return {path.rsplit("/", 1)[-1] for path in self._files.find(self._root)}

    def _path(self, blob: str) -> str:
        return f"{self._root}/{blob}"
