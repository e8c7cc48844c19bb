"""`kith serve` and `kith serve assistant`: the assistant, and the stages that run beside it."""

from collections.abc import Callable
from contextlib import AsyncExitStack

from services.assistant.settings import AssistantSettings
from services.assistant.wiring import assembled
from services.runtime import serving
from services.runtime.server import Server


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
    async with assembled(settings) as assembly, AsyncExitStack() as further:
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
