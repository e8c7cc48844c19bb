"""Pools: folders of pictures to search, with a vector and a fingerprint of each.

What was computed is kept in a cache, so that a pool is embedded once, and one that was cut short
goes on where it was. A picture that has changed since is embedded anew.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datagen.pictures import open_picture, pictures_in
from datagen.prints import Prints, fingerprint
from kith.errors import InvalidInput
from kith.files import write_whole
from kith.words import counted

Vectors = NDArray[np.float32]
"""One unit vector a row: float32 [n, dim]."""

Embed = Callable[[Sequence[Image.Image]], Vectors]
"""RGB pictures to vectors, in order."""

_PART: Final = 512
"""Pictures that are embedded and kept together; what a cut costs at most."""

_READERS: Final = 4


class Embedder(NamedTuple):
    """What turns pictures into vectors."""

    name: str
    """Of the model: vectors of two are never compared."""
    embed: Embed


@dataclass(frozen=True, eq=False)
class Pool:
    """Pictures that can be searched."""

    name: str
    """Of its folder."""
    folder: Path
    files: tuple[Path, ...]
    """In the order of their paths."""
    vectors: Vectors
    """[files, dim]"""
    prints: Prints
    """[files, 256]"""
    unreadable: tuple[Path, ...]
    """Files that are left out, since they can't be opened."""


class _Known(NamedTuple):
    vector: Vectors
    print: Prints


def index(
    folder: Path,
    embedder: Embedder,
    cache: Path,
    tell: Callable[[int, int], None] = lambda done, of: None,
) -> Pool:
    """A pool of all pictures under a folder.

    Args:
        folder: Searched with all folders in it.
        embedder: Gives the vectors.
        cache: A folder for what is computed; several pools may share one.
        tell: Called with the number of pictures done, and of all.

    Raises:
        InvalidInput: It holds no picture, or none that can be read.
        Refused: The cache can't be written.
    """
    files = pictures_in(folder, "pool")
    store = cache / re.sub(r"[^\w.-]", "_", embedder.name)
    known = _load(store)
    keys = {file: _key(file) for file in files}
    missing = [file for file in files if keys[file] not in known]
    for start in range(0, len(missing), _PART):
        tell(len(files) - len(missing) + start, len(files))
        part = _embed(missing[start : start + _PART], embedder)
        if part:
            _save(store, {keys[file]: one for file, one in part.items()})
            known |= {keys[file]: one for file, one in part.items()}
    tell(len(files), len(files))
    read = [file for file in files if keys[file] in known]
    if not read:
        raise InvalidInput(
            f"pool: {folder}: {counted(len(files), 'picture')}, of which none can be read; name a "
            "folder of JPEG, PNG or WebP pictures",
            reason="POOL_UNREADABLE",
            field="pool",
        )
    return Pool(
        folder.resolve().name,
        folder,
        tuple(read),
        np.stack([known[keys[file]].vector for file in read]),
        np.stack([known[keys[file]].print for file in read]),
        tuple(file for file in files if keys[file] not in known),
    )


def _embed(files: Sequence[Path], embedder: Embedder) -> dict[Path, _Known]:
    with ThreadPoolExecutor(_READERS) as readers:
        opened = zip(files, readers.map(_open, files), strict=True)
        pictures = {file: picture for file, picture in opened if picture is not None}
    if not pictures:
        return {}
    vectors = embedder.embed(list(pictures.values()))
    return {
        file: _Known(vector, fingerprint(picture))
        for (file, picture), vector in zip(pictures.items(), vectors, strict=True)
    }


def _open(file: Path) -> Image.Image | None:
    """A pool comes from anywhere: what can't be opened is left out, and counted."""
    try:
        return open_picture(file, "pool")
    except InvalidInput:
        return None


def _key(file: Path) -> str:
    state = file.stat()
    return f"{file.resolve()}|{state.st_size}|{state.st_mtime_ns}"


def _load(store: Path) -> dict[str, _Known]:
    return {key: one for part in sorted(store.glob("*.npz")) for key, one in _read(part)}


def _read(part: Path) -> Iterator[tuple[str, _Known]]:
    try:
        with part.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            rows = zip(kept["keys"], kept["vectors"], kept["prints"], strict=True)
            yield from [(str(key), _Known(vector, print_)) for key, vector, print_ in rows]
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        return  # a damaged part is computed anew


def _save(store: Path, part: dict[str, _Known]) -> None:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        keys=np.array(list(part)),
        vectors=np.stack([one.vector for one in part.values()]),
        prints=np.stack([one.print for one in part.values()]),
    )
    taken = [int(path.stem) for path in store.glob("*.npz")]
    write_whole(store / f"{max(taken, default=-1) + 1:06d}.npz", buffer.getvalue())
