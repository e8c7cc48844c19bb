"""A folder of pictures among which a training looks for negatives (thesis 4.3.2).

The vectors of the pictures are computed once, and kept beside what is learned. `datagen.negatives`
finds negatives too, for data sets that are made once; a service may not need it to be installed,
and has its own.
"""

import asyncio
import hashlib
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kith.errors import InvalidInput, Refused
from memory_db.names import folder_name
from services.runtime import images

NEAR_COPY: Final = 0.985
"""Cosine from which on a picture may be one of the views again, and is no negative."""

_SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})
_AT_ONCE: Final = 64
_BLOCK: Final = 8192
"""Vectors that are compared at once."""

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """What the pool needs of `services.assistant.stages.Embedder`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def dim(self) -> int: ...  # noqa: D102
    async def embed_images(self, images: Sequence[Image.Image]) -> Vectors: ...  # noqa: D102


class Mined(NamedTuple):
    """Names of the pictures that were chosen, relative to the pool."""

    hard: tuple[str, ...]
    """The most alike first."""
    soft: tuple[str, ...]


class Pool:
    """The pictures of a folder and of those below it.

    Args:
        folder: Holds them.
        embedder: Tells how alike two are.
        cache: Folder for their vectors.
    """

    def __init__(self, folder: Path, embedder: Embedder, cache: Path) -> None:
        self._folder = folder
        self._embedder = embedder
        self._cache = cache / f"{folder_name(f'{embedder.name} {folder.resolve()}')}.npz"

    def is_empty(self) -> bool:
        """Whether there is no picture in it. Blocks."""
        return not any(file.suffix.lower() in _SUFFIXES for file in self._folder.rglob("*"))

    async def mine(self, views: Vectors, hard: int, soft: int, seed: int) -> Mined:
        """The pictures nearest to any of some views, and others drawn at random.

        Args:
            views: [n, dim] vectors of the views, which are not to be found.
            hard: Most of the nearest.
            soft: Most of the others.
            seed: Where chance begins.

        Raises:
            Refused: There is no picture that can be read, or none that is not a view.
        """
        names, vectors = await self._vectors()
        likeness = await asyncio.to_thread(_likeness, vectors, views)
        order = [i for i in np.argsort(-likeness, kind="stable") if likeness[i] < NEAR_COPY]
        if not order:
            raise Refused(
                f"negatives: the {len(names)} pictures of the pool (KITH_NEGATIVES) that can be "
                "read are the views themselves, or none; send negatives, or fill the pool",
                reason="NEGATIVES_MISSING",
                field="negatives",
            )
        rest = sorted(names[i] for i in order[hard:])
        drawn = random.Random(seed).sample(rest, min(soft, len(rest)))
        return Mined(tuple(names[i] for i in order[:hard]), tuple(drawn))

    def read(self, mined: Sequence[str]) -> list[Image.Image]:
        """The pictures of these names; what has gone since is left out. Blocks."""
        found = (_picture(self._folder / name) for name in mined)
        return [picture for picture in found if picture is not None]

    async def _vectors(self) -> tuple[list[str], Vectors]:
        """The pictures that can be read, and a vector each; new ones are embedded."""
        stamps = await asyncio.to_thread(self._stamps)
        known = await asyncio.to_thread(self._read_cache)
        missing = [name for name, stamp in stamps.items() if stamp not in known]
        for start in range(0, len(missing), _AT_ONCE):
            part = missing[start : start + _AT_ONCE]
            pictures = await asyncio.to_thread(
                lambda names: [_picture(self._folder / name) for name in names], part
            )
            seen = [picture for picture in pictures if picture is not None]
            rows = iter(await self._embedder.embed_images(seen) if seen else ())
            for name, picture in zip(part, pictures, strict=True):
                # A row of zeros tells that there is nothing to see.
                empty = np.zeros(self._embedder.dim, np.float32)
                known[stamps[name]] = empty if picture is None else next(rows)
        if missing:
            current = {stamp: known[stamp] for stamp in stamps.values()}
            await asyncio.to_thread(self._write_cache, current)
        names = [name for name, stamp in stamps.items() if known[stamp].any()]
        vectors = [known[stamps[name]] for name in names]
        return names, np.stack(vectors) if vectors else np.zeros((0, self._embedder.dim), "f4")

    def _stamps(self) -> dict[str, str]:
        """Names, and what is another once the file is."""
        stamps = {}
        for file in sorted(self._folder.rglob("*")):
            if file.suffix.lower() in _SUFFIXES and file.is_file():
                stat, name = file.stat(), file.relative_to(self._folder).as_posix()
                told = f"{name}\0{stat.st_size}\0{stat.st_mtime_ns}"
                stamps[name] = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
        return stamps

    def _read_cache(self) -> dict[str, Vectors]:
        try:
            with np.load(self._cache, allow_pickle=False) as kept:
                return dict(zip(kept["stamps"].tolist(), kept["vectors"], strict=True))
        except (OSError, ValueError, KeyError, EOFError):  # none yet, or cut short
            return {}

    def _write_cache(self, known: dict[str, Vectors]) -> None:
        self._cache.parent.mkdir(parents=True, exist_ok=True)
        partial = self._cache.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, stamps=np.array(list(known)), vectors=np.stack(list(known.values())))
        partial.replace(self._cache)


def _likeness(vectors: Vectors, views: Vectors) -> NDArray[np.float32]:
    """The cosine of each vector and the nearest view."""
    blocks = range(0, len(vectors), _BLOCK)
    near = [(vectors[start : start + _BLOCK] @ views.T).max(axis=1) for start in blocks]
    return np.concatenate(near) if near else np.zeros(0, np.float32)


def _picture(file: Path) -> Image.Image | None:
    try:
        return images.decode(file.read_bytes(), field=file.name)
    except (OSError, InvalidInput):
        return None
