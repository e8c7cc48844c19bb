"""The life of a service's process: listen, get ready, serve until it is told to stop."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from google.protobuf.descriptor import ServiceDescriptor

from kith.errors import Unavailable
from services.runtime.address import written
from services.runtime.metrics import metrics_served
from services.runtime.server import Server, Service
from services.runtime.settings import ServerSettings
from services.runtime.settled import settle
from services.runtime.tracing import traces_sent

_RETRY_S: Final = 1.0

_log = logging.getLogger(__name__)

T = TypeVar("T")


async def serve(
    settings: ServerSettings,
    services: Sequence[Service | ServiceDescriptor],
    get_ready: Callable[[Server], Awaitable[object]],
    announce: Callable[[str], None],
) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        settings: Where, and to whom.
        services: See `Server`; the first gives the process its name in traces.
        get_ready: Loads models and adds what is still missing. Health checks say NOT_SERVING until
            it is done.
        announce: Told "listening on HOST:PORT", then "ready".

    Raises:
        KithError: As `get_ready` and `Server`; the port of the metrics is taken.
    """
    first = services[0]
    descriptor = first.descriptor if isinstance(first, Service) else first
    with (
        metrics_served(settings.host, settings.metrics_port),
        traces_sent(descriptor.name.lower()),
    ):
        async with Server(settings, services) as server:
            announce(f"listening on {written(settings.host, server.port)}")

            async def start() -> None:
                await get_ready(server)
                settle()
                await server.ready()
                announce("ready")

            starting = asyncio.create_task(start())
            stopped = asyncio.create_task(server.until_stopped())
            try:
                await asyncio.wait({starting, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if starting.done():
                    starting.result()
                    await stopped
            finally:
                starting.cancel()
                stopped.cancel()


async def once_there(make: Callable[[], Awaitable[T]]) -> T:
    """What `make` gives, once the service it needs can be reached."""
    while True:
        try:
            return await make()
        except Unavailable as error:
            _log.warning("waiting: %s", error)
            await asyncio.sleep(_RETRY_S)
