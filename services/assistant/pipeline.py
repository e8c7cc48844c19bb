"""The assistant of one deployment: its method, its models and everybody's memory."""

import hmac
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from memory_db import ConceptStore
from services.assistant.convert import Writer
from services.assistant.methods import Method
from services.assistant.names import Names
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime.identity import current_user


class Caller(NamedTuple):
    """Who makes a call: the user that the credential names, and no other."""

    names: Names
    write: Writer
    store: ConceptStore


class Asker(NamedTuple):
    """Who asks a question that can be answered without a memory."""

    names: Names
    write: Writer
    open_store: Callable[[], Awaitable[ConceptStore]]
    cache_key: bytes
    """A secret of the user, under which the engine may keep what it computed. It names nobody."""


@dataclass(frozen=True)
class Assistant:
    """What the verbs work with. Belongs to one event loop."""

    method: Method
    stages: Stages
    stores: Stores
    cache_secret: bytes = field(default_factory=lambda: secrets.token_bytes(32), repr=False)
    """Behind all cache keys; a new one, after a restart, finds an engine's cache cold."""

    async def caller(self, resource: str) -> Caller:
        """The user of the call being served.

        Args:
            resource: The parent or resource name that the call is about.

        Raises:
            NotFound: It is another user's.
            Refused: Another process has the user's memory open.
            Unavailable: What keeps the user's memory can't be reached.
        """
        asker = self.asker(resource)
        return Caller(asker.names, asker.write, await asker.open_store())

    def asker(self, resource: str) -> Asker:
        """The same, when the call can do without a memory.

        Raises:
            NotFound: The resource is another user's.
        """
        user = current_user()
        names = Names(user)
        names.require_own(resource)
        key = hmac.digest(self.cache_secret, user.encode(), "sha256")
        return Asker(names, self.writer(user, names), lambda: self.stores.of(user), key)

    def writer(self, user: str, names: Names) -> Writer:
        """What tells a user of what is theirs."""
        return Writer(names)
