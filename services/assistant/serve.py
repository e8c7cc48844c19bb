"""`kith serve` and `kith serve assistant`: the assistant, and the stages that run beside it."""

from collections.abc import Callable

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
    async with assembled(settings) as assembly:

        async def load(_: Server) -> None:
            await assembly.load()

        await serving.serve(settings, assembly.services, load, announce)
