"""A shard without points: the engine makes one a process, and every memory begins with a copy.

Making it takes the engine two hundred writes to disk, and it lets no other thread run meanwhile.
"""

import errno
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple

import qdrant_edge as engine

from kith.errors import Refused
from memory_db.durable import require_room, sync
from memory_db.index import INDEXED_FIELDS, VECTOR

_SYNCS: Final = 16
"""Files brought to disk at a time, which takes it little longer than one."""

_PAGE: Final = 4096
"""Bytes; what a file system gives at least."""

_making = threading.Lock()
"""Held while the files are made, so that of many newcomers only the first makes them."""


class _File(NamedTuple):
    path: Path
    """Below the shard's folder."""
    size: int
    pieces: tuple[tuple[int, bytes], ...]
    """Where it holds more than zeros, and what. All else is a hole: nearly all of 145 MB."""


def write_empty_shard(folder: Path, dim: int) -> None:
    """Write the files of a shard without points; they are on disk when this returns.

    Args:
        folder: Made here. A process that is killed leaves a part of it, so let it count only once
            this has returned.
        dim: Length of the vectors.

    Raises:
        OSError: The folder is there already, or can't be written.
        Refused: There is no room for temporary files.
    """
    with _making:
        files = _files(dim)
    folder.mkdir()
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as copy:
            for start, content in file.pieces:
                copy.seek(start)
                copy.write(content)
            copy.truncate(file.size)
    with ThreadPoolExecutor(_SYNCS) as pool:
        for _ in pool.map(sync, [folder, *folder.rglob("*")]):
            pass


@cache
def _files(dim: int) -> list[_File]:
    """What the engine writes for a shard without points."""
    try:
        # Not where memories are kept: that disk may be a slow one.
        with TemporaryDirectory(prefix="kith-shard-") as folder:
            require_room(Path(folder))
            shard = Path(folder, "shard")
            _make(shard, dim)
            return [_read(shard, path) for path in shard.rglob("*") if path.is_file()]
    except OSError as error:
        raise Refused(
            f"memory: none can be made for a new user ({error.strerror}); the operator has to make "
            "room in the folder for temporary files, or to name another in TMPDIR",
            reason="TEMPORARY_FILE_UNWRITABLE",
        ) from error


def _make(folder: Path, dim: int) -> None:
    # Unit vectors under Euclid keep the distance of near twins exact; a cosine loses it.
    params = engine.EdgeVectorParams(size=dim, distance=engine.Distance.Euclid)
    shard = engine.EdgeShard.create(
        str(folder),
        # One segment a shard: more threads would only cost memory for each open user.
        engine.EdgeConfig(vectors={VECTOR: params}, max_search_threads=1),
    )
    for field in INDEXED_FIELDS:
        shard.update(
            engine.UpdateOperation.create_field_index(field, engine.PayloadSchemaType.Keyword)
        )
    shard.flush()
    shard.close()


def _read(shard: Path, path: Path) -> _File:
    with path.open("rb") as file:
        pieces = tuple(_pieces(file.fileno()))
    return _File(path.relative_to(shard), path.stat().st_size, pieces)


def _pieces(file: int) -> Iterator[tuple[int, bytes]]:
    """The pages of a file that hold more than zeros: where each starts, and its bytes."""
    for start, end in _written(file):
        for at in range(start, end, _PAGE):
            page = os.pread(file, min(_PAGE, end - at), at)
            if any(page):  # in memory, a file system fills holes that are only looked at
                yield at, page


def _written(file: int) -> Iterator[tuple[int, int]]:
    """The parts of a file that are no holes, by start and end."""
    end, size = 0, os.fstat(file).st_size
    while end < size:
        try:
            start = os.lseek(file, end, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # the rest is a hole
                return
            raise
        end = os.lseek(file, start, os.SEEK_HOLE)
        yield start, end
