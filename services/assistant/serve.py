"""`kith serve` and `kith serve assistant`: the assistant, and the stages that run beside it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TypeVar

from services.assistant.settings import AssistantSettings
from services.assistant.wiring import Assembly, assembled
from services.runtime import serving
from services.runtime.server import Server

S = TypeVar("S", bound=AssistantSettings)


async def serve(settings: AssistantSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM.

    Health checks say NOT_SERVING until every model of this process is loaded and warm; a call made
    meanwhile waits for the models it needs.

    Args:
        settings: What to serve, and where.
        announce: Told "listening on HOST:PORT", then "ready".

    Raises:
        InvalidInput, Refused: As `wiring.assembled`; a model can't be loaded; the port is taken.
    """
    await serve_assembled(settings, announce, assembled)


async def serve_assembled(
    settings: S,
    announce: Callable[[str], None],
    assemble: Callable[[S], AbstractAsyncContextManager[Assembly]],
) -> None:
    """The same of what `assemble` makes of `settings`."""
    async with assemble(settings) as assembly, AsyncExitStack() as further:
        # A call may wait in a thread, for photos that are elsewhere or for an edit of the same user
        # that does. Of asyncio's own few threads, one user's calls would leave none to the others.
        most = settings.max_calls * (1 + len(assembly.further))
        threads = ThreadPoolExecutor(most, thread_name_prefix="kith-call")
        asyncio.get_running_loop().set_default_executor(threads)
        others = [
            await further.enter_async_context(
                Server(settings.model_copy(update={"port": port}), [service])
            )
            for port, service in assembly.further.items()
        ]

        async def load(_: Server) -> None:
            await assembly.load()
            for other in others:
                await other.ready()

        await serving.serve(settings, assembly.services, load, announce)
