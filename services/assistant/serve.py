"""`kith serve`: the assistant and its stages in one process, on one port."""

import asyncio
from collections.abc import Callable

from services.assistant.settings import AssistantSettings
from services.assistant.wiring import assembled
from services.runtime.server import Server


async def serve(settings: AssistantSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM.

    Health checks say NOT_SERVING until every model is loaded and warm; a call made meanwhile waits
    for the models it needs.

    Args:
        settings: What to serve, and where.
        announce: Told "listening on HOST:PORT", then "ready".

    Raises:
        InvalidInput, Refused: As `wiring.assembled`; a model can't be loaded; the port is taken.
    """
    async with (
        assembled(settings) as assembly,
        Server(settings, assembly.services) as server,
    ):
        announce(f"listening on {settings.host}:{server.port}")

        async def get_ready() -> None:
            await assembly.load()
            await server.ready()
            announce("ready")

        loading = asyncio.create_task(get_ready())
        stopped = asyncio.create_task(server.until_stopped())
        try:
            await asyncio.wait({loading, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                loading.result()
                await stopped
        finally:
            loading.cancel()
            stopped.cancel()
