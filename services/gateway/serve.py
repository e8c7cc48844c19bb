"""`kith serve gateway`: HTTP in front of an assistant."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Final

import uvicorn

from kith.errors import Refused
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from services.runtime import tls
from services.runtime.address import written
from services.runtime.metrics import metrics_served
from services.runtime.settled import settle
from services.runtime.tracing import traces_sent

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


class Server(uvicorn.Server):
    """uvicorn, which tells when it is ready and leaves signals to `serve`."""

    def __init__(self, settings: GatewaySettings, announce: Callable[[str], None]) -> None:
        tls.server_credentials(settings)  # which tells in a line what is wrong with a file
        client_ca = settings.tls_client_ca
        super().__init__(
            uvicorn.Config(
                create_app(settings),
                log_config=None,
                access_log=False,  # a query may hold what a user wrote
                server_header=False,
                proxy_headers=False,  # nobody here asks where a caller is
                ws="none",
                timeout_graceful_shutdown=round(settings.grace_s),
                ssl_certfile=settings.tls_cert,
                ssl_keyfile=settings.tls_key,
                ssl_ca_certs=client_ca and str(client_ca),
                ssl_cert_reqs=ssl.CERT_REQUIRED if client_ca else ssl.CERT_NONE,
            )
        )
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        await super().startup(sockets)
        settle()
        self._announce("ready")

    def capture_signals(self) -> nullcontext[None]:  # type: ignore[override]
        """Leaves signals alone: uvicorn would die of them by itself once it has stopped."""
        return nullcontext()


async def serve(settings: GatewaySettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; running answers are then given their grace.

    Args:
        settings: Where, and in front of which assistant. It need not be there yet.
        announce: Told "listening on HOST:PORT", then "ready".

    Raises:
        Refused: A port is taken, or the address is not this machine's; a certificate can't be
            read.
    """
    with (
        listening(settings) as listener,
        metrics_served(settings.host, settings.metrics_port),
        traces_sent("gateway"),
    ):
        announce(f"listening on {written(settings.host, listener.getsockname()[1])}")
        server = Server(settings, announce)
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, server.handle_exit, number, None)
        try:
            await server.serve(sockets=[listener])
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


@contextmanager
def listening(settings: GatewaySettings) -> Iterator[socket.socket]:
    """A socket on the address of the settings.

    Raises:
        Refused: As `serve`.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        listener = socket.create_server((settings.host, settings.port), family=family)
    except OSError as error:
        raise Refused(
            f"port: can't listen on {written(settings.host, settings.port)}; is another server "
            "running there?",
            reason="PORT_UNAVAILABLE",
            field="port",
        ) from error
    # Accepted connections inherit it. Without, an answer of two pieces waits 40 ms for the caller's
    # acknowledgement; asyncio sets it only on sockets that were made as TCP by name.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with listener:
        yield listener
