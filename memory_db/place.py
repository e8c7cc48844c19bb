"""Where memories are kept: a folder, or a Qdrant server with a place for the photos."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kith.errors import Refused
from memory_db.index import VectorIndex
from memory_db.names import folder_name
from memory_db.photos import PhotoStore, files_at

if TYPE_CHECKING:  # each engine is loaded by those who use it
    from qdrant_client import QdrantClient


class Kept(NamedTuple):
    """One user's memory under one embedding model."""

    user: str
    """Folder name of the user, as `names.folder_name` makes it."""
    model: str
    """Name of the embedding model."""
    dim: int
    """Length of its vectors."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a memory is made of."""

    index: VectorIndex
    photos: PhotoStore


class MemoryPlace:
    """Where the memories of all users are kept. Safe to share between threads.

    Args:
        directory: Indexes and photos of every user; only photos when there is a server.
        server_url: A Qdrant server or cluster; None embeds the engine.
        server_key: What proves to the server who we are.
        photos_url: Photos elsewhere than in `directory`: an fsspec URL such as `s3://bucket/kith`.

    Raises:
        Refused: `server_url` is no URL, or fsspec can't use `photos_url`. Whether somebody answers
            there shows on first use.
    """

    def __init__(
        self,
        directory: Path,
        server_url: str | None = None,
        server_key: str | None = None,
        photos_url: str | None = None,
    ) -> None:
        self._directory = directory
        self._photos = (photos_url or str(directory.absolute())).rstrip("/")
        self._uses_directory = server_url is None or photos_url is None
        self._used = False
        files_at(self._photos)
        self._server: QdrantClient | None = None
        if server_url is not None:
            from memory_db.server import connect

            self._server = connect(server_url, server_key)

    def open(self, memory: Kept) -> Parts:
        """A memory's parts; an empty memory is made when it is not there.

        Raises:
            Refused: Another process has it open (`MEMORY_LOCKED`), its folder can't be made, read
                or written (`MEMORY_UNUSABLE`), nor that of the photos (`PHOTOS_UNUSABLE`), there
                is no room to make it (`TEMPORARY_FILE_UNWRITABLE`), or it holds vectors of another
                length.
            Unavailable: The server or the place of the photos can't be reached.
        """
        self._require_directory()
        below = f"users/{memory.user}/{folder_name(memory.model)}"
        photos = f"{self._photos}/{below}/photos"
        index: VectorIndex
        if self._server is None:
            from memory_db.edge import EdgeIndex

            index = EdgeIndex(self._directory / below, model=memory.model, dim=memory.dim)
        else:
            from memory_db.server import ServerIndex

            index = ServerIndex(self._server, user=memory.user, model=memory.model, dim=memory.dim)
        try:
            parts = Parts(index, PhotoStore(photos))
        except BaseException:
            index.close()
            raise
        self._used = True
        return parts

    def kept(self) -> list[Kept]:
        """Every memory there is, of all users and models.

        Raises:
            Unavailable: The server can't be reached.
        """
        if self._server is None:
            from memory_db.edge import model_of

            abouts = sorted(self._directory.glob("users/*/*/memory.json"))
            return [Kept(about.parts[-3], *model_of(about.parent)) for about in abouts]
        from memory_db.server import users_by_model

        found = users_by_model(self._server)
        return [Kept(user, model, dim) for (model, dim), users in found.items() for user in users]

    def discard(self, memory: Kept) -> None:
        """Removes the folder of an embedded memory that nobody has open and that is empty."""
        if self._server is None:
            folder = self._directory / f"users/{memory.user}/{folder_name(memory.model)}"
            # First, so that whoever is killed here leaves no memory whose files are missing.
            (folder / "memory.json").unlink()
            shutil.rmtree(folder)

    def close(self) -> None:
        """Hangs up; the stores that were opened here must be closed before."""
        if self._server is not None:
            self._server.close()

    def _require_directory(self) -> None:
        """Makes sure that the folder is still there once memories were opened in it.

        Where their volume is away, a memory made anew would look as if all were forgotten.

        Raises:
            Refused: It has gone, or is another one.
        """
        if self._used and self._uses_directory and not (self._directory / "users").is_dir():
            raise Refused(
                f"memory: {self._directory} had memories and has none now; bring back its volume "
                "or its name, and all goes on",
                reason="MEMORY_UNUSABLE",
                field="memory",
            )
