"""Training material for methods that train: negatives and masks, each kind on a thread of its own.

A pool is embedded on first use: its embedder may start later than this service.
"""

import asyncio
import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL.Image import Image

from datagen.negatives import Mined, mine
from datagen.pictures import pictures_in
from datagen.pool import Embedder, Pool, index
from datagen.prints import fingerprint
from datagen.service.embedding import embedder_at
from datagen.service.settings import DatagenSettings
from datagen.via import Prompt
from kith.errors import Refused, Unavailable
from services.runtime.worker import ModelWorker

if TYPE_CHECKING:
    from datagen.masks import Outline, Outliner


@dataclass(frozen=True)
class Someone:
    """A concept of which only views are known."""

    category: str
    pictures: tuple[Image, ...]
    train: tuple[Path, ...] = ()
    test: tuple[Path, ...] = ()

    @property
    def name(self) -> str:
        """By what it looks like: chance hangs on it."""
        look = b"".join(fingerprint(one).tobytes() for one in self.pictures)
        return hashlib.sha256(look).hexdigest()[:16]

    def views(self) -> Iterator[Image]:
        """Its views."""
        return iter(self.pictures)


class Material:
    """Mines and outlines; few calls may wait for either.

    Args:
        settings: Say which pools and models there are.
    """

    def __init__(self, settings: DatagenSettings) -> None:
        self._settings = settings
        self._mining = ModelWorker("negatives")
        self._outlining = ModelWorker("masks")
        self._closing = threading.Event()
        self._pools: dict[Path, Pool] = {}
        self._outliner: Outliner | None = None

    async def get_ready(self) -> None:
        """See that the pools are there, and load SAM.

        Raises:
            InvalidInput: A pool holds no picture.
            Refused: There is no SAM where one should be.
        """
        pools = [self._settings.pool, *self._settings.category_pools.values()]
        for folder in filter(None, pools):
            await asyncio.to_thread(pictures_in, folder, "pool")
        if self._settings.sam is not None:
            await self._outlining.run(self._load, self._settings.sam)

    async def negatives(self, views: Sequence[Image], category: str, count: int) -> Mined:
        """The pictures of the pools that are most like the views.

        Raises:
            InvalidInput: The pools hold nothing else than the concept.
            Refused: The service has no pool.
            Unavailable: The embedder can't be reached.
            Overloaded: Too many calls wait.
        """
        return await self._mining.run(self._mine, Someone(category, tuple(views)), count)

    async def outline(self, picture: Image, prompt: Prompt) -> "Outline":
        """What SAM takes for the thing.

        Raises:
            Refused: The service has no SAM.
            Overloaded: Too many calls wait.
        """
        return await self._outlining.run(self._outline, picture, prompt)

    def close(self) -> None:
        """Drop what waits; a pool that is being read is left at its next part."""
        self._closing.set()
        self._mining.close()
        self._outlining.close()

    def _mine(self, someone: Someone, count: int) -> Mined:
        if self._settings.pool is None:
            raise _lacking("pool", "photos among which to look for negatives")
        with embedder_at(self._settings) as embedder:
            pool = self._indexed(self._settings.pool, embedder)
            further = self._further(someone.category, embedder)
            return mine(someone, embedder, [pool], further, count)

    def _further(self, category: str, embedder: Embedder) -> Mapping[str, Pool]:
        folder = self._settings.category_pools.get(category)
        return {category: self._indexed(folder, embedder)} if folder else {}

    def _indexed(self, folder: Path, embedder: Embedder) -> Pool:
        if folder not in self._pools:
            cache = self._settings.datagen_dir / "pools"
            self._pools[folder] = index(folder, embedder, cache, self._go_on)
        return self._pools[folder]

    def _go_on(self, _done: int, _of: int) -> None:
        if self._closing.is_set():
            raise Unavailable("the server stops; try again", reason="SERVER_STOPPING")

    def _load(self, sam: Path) -> None:
        from datagen.masks import Outliner  # torch takes seconds

        self._outliner = Outliner(sam)

    def _outline(self, picture: Image, prompt: Prompt) -> "Outline":
        if self._outliner is None:
            raise _lacking("sam", "SAM to make masks with")
        return self._outliner.outline(picture, [prompt])


def _lacking(setting: str, what: str) -> Refused:
    return Refused(
        f"this service has no {what}; ask its operator to set KITH_{setting.upper()}",
        reason=f"{setting.upper()}_MISSING",
    )
