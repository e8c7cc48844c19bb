"""The process of the assistant."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from kith.errors import Refused
from services.assistant.serve import serve_assembled
from services.assistant.settings import AssistantSettings
from services.assistant.wiring import Assembly
from tests.runtime.echo import Echo, embedding_of

_CALLS = 40
"""More than asyncio has threads on any machine, which is 32."""


async def test_as_many_calls_as_are_served_at_once_may_wait_in_threads() -> None:
    others_came = threading.Barrier(_CALLS)

    async def load() -> None:
        waiting = [asyncio.to_thread(others_came.wait, 20) for _ in range(_CALLS)]
        await asyncio.gather(*waiting)
        raise Refused("all came", reason="ENOUGH")

    @asynccontextmanager
    async def assembled(_: AssistantSettings) -> AsyncIterator[Assembly]:
        yield Assembly([embedding_of(Echo())], {}, load)

    settings = AssistantSettings(port=0, grace_s=0, max_calls=_CALLS)
    with pytest.raises(Refused, match="all came"):
        await serve_assembled(settings, lambda _: None, assembled)
