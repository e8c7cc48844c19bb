"""The memories that are open: one store a user, opened on first use."""

import asyncio
import logging
import weakref
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from kith.errors import KithError
from memory_db import ConceptStore, MemoryPlace
from services.assistant.once import Once
from services.assistant.settings import OPEN_MEMORIES, AssistantSettings

PURGE_INTERVAL_S: Final = 60.0

_CLOSED_AT_ONCE: Final = 2

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

    Before it opens one more than `most_open`, it closes the one that was asked for longest ago. A
    store that anybody holds is in use and stays open, and so does one that waits to be purged.

    Args:
        open_store: Opens a user's store; blocks.
        tidy: Called when a store has been opened, and whenever something of it is gone for good.
        most_open: Stores that stay open though nobody uses them.
    """

    def __init__(
        self,
        open_store: Callable[[str], ConceptStore],
        tidy: Tidy = lambda *_: None,
        most_open: int = OPEN_MEMORIES,
    ) -> None:
        self._open_store = open_store
        self._tidy = tidy
        self._most_open = most_open
        self._stores: OrderedDict[str, ConceptStore] = OrderedDict()
        """The open ones, that which was asked for last at the end."""
        self._opening: dict[str, Once[ConceptStore]] = {}

    async def of(self, user: str) -> ConceptStore:
        """The user's store, open for as long as the caller holds it.

        Raises:
            Refused: Another process has it open.
            Unavailable: The server that keeps it can't be reached; a later call tries again.
        """
        if user not in self._stores:
            return await self._opening.setdefault(user, Once(lambda: self._opened(user))).get()
        self._stores.move_to_end(user)
        return self._stores[user]

    async def keep_purging(self) -> None:
        """Deletes for good what was forgotten long enough ago, for as long as it runs."""
        while True:
            await asyncio.sleep(PURGE_INTERVAL_S)
            for user in list(self._stores):
                if user in self._stores:  # not closed meanwhile
                    await asyncio.to_thread(self._purge, user, self._stores[user])

    async def close(self) -> None:
        """Closes every store."""
        while self._stores:
            _, store = self._stores.popitem()
            await asyncio.to_thread(store.close)

    async def _opened(self, user: str) -> ConceptStore:
        try:
            self._make_room()
            # Not as the thread's result, which asyncio holds until the next garbage collection.
            opened: list[ConceptStore] = []
            await asyncio.to_thread(lambda: opened.append(self._open(user)))
            self._stores[user] = opened[0]
            return opened.pop()
        finally:
            del self._opening[user]

    def _make_room(self) -> None:
        """Closes what nobody uses where too many are open; the caller opens another.

        Two at most: a few more than may be open are soon fewer, and each takes a tenth of a second.
        Not in a thread, for the engine lets no other one run meanwhile.
        """
        closed = 0
        for user in list(self._stores):
            too_many = len(self._stores) + len(self._opening) > self._most_open
            if not too_many or closed == _CLOSED_AT_ONCE:
                return
            closed += self._closed_if_unused(user)

    def _closed_if_unused(self, user: str) -> bool:
        if self._stores[user].awaits_purge:
            return False
        close, held = self._stores[user].closer, weakref.ref(self._stores.pop(user))
        if (store := held()) is not None:
            self._stores[user] = store
            return False
        try:
            close()
        except Exception:  # noqa: BLE001 - whoever opens another memory must not suffer from it
            _log.exception("a memory could not be closed")
        return True

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
