"""The memories that are open: one store a user, opened on first use."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from kith.errors import KithError
from memory_db import ConceptStore, MemoryPlace
from services.assistant.once import Once
from services.assistant.settings import AssistantSettings

PURGE_INTERVAL_S: Final = 60.0

_log = logging.getLogger(__name__)


def place_of(settings: AssistantSettings) -> MemoryPlace:
    """Where memories are kept.

    Raises:
        Refused: `memory_url` is no URL.
    """
    key = settings.memory_key
    return MemoryPlace(
        settings.memory,
        settings.memory_url,
        key.get_secret_value() if key else None,
        settings.photos,
    )


Tidy = Callable[[str, ConceptStore], None]
"""Takes away what is kept elsewhere of concepts that a user's store no longer holds; blocks."""


class Stores:
    """Opens and keeps the stores of all users. Belongs to one event loop.

    Args:
        open_store: Opens a user's store; blocks.
        tidy: Called when a store has been opened, and whenever something of it is gone for good.
    """

    def __init__(
        self, open_store: Callable[[str], ConceptStore], tidy: Tidy = lambda *_: None
    ) -> None:
        self._open_store = open_store
        self._tidy = tidy
        self._stores: dict[str, Once[ConceptStore]] = {}

    async def of(self, user: str) -> ConceptStore:
        """The user's store.

        Raises:
            Refused: Another process has it open.
            Unavailable: The server that keeps it can't be reached; a later call tries again.
        """
        if user not in self._stores:
            self._stores[user] = Once(lambda: asyncio.to_thread(self._open, user))
        return await self._stores[user].get()

    async def keep_purging(self) -> None:
        """Deletes for good what was forgotten long enough ago, for as long as it runs."""
        while True:
            await asyncio.sleep(PURGE_INTERVAL_S)
            for user, store in self._open_ones():
                await asyncio.to_thread(self._purge, user, store)

    async def close(self) -> None:
        """Closes every store."""
        for _, store in self._open_ones():
            await asyncio.to_thread(store.close)
        self._stores.clear()

    def _open_ones(self) -> list[tuple[str, ConceptStore]]:
        found = ((user, once.made) for user, once in self._stores.items())
        return [(user, store) for user, store in found if store is not None]

    def _open(self, user: str) -> ConceptStore:
        store = self._open_store(user)
        # What ran out while nobody had it open, and what a crash left of it elsewhere.
        self._purge(user, store, always_tidy=True)
        return store

    def _purge(self, user: str, store: ConceptStore, *, always_tidy: bool = False) -> None:
        try:
            if store.purge_expired().concepts or always_tidy:
                self._tidy(user, store)
        except KithError as error:  # nothing that a trace would tell more of
            _log.warning("a memory could not be purged: %s", error)
        except Exception:  # noqa: BLE001 - whatever it was, the next round tries again
            _log.exception("a memory could not be purged")
