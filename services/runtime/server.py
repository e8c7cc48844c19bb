"""The gRPC server every service runs in: health, reflection, limits, guard, graceful stop."""

import asyncio
import logging
import signal
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health_aio
from grpc_reflection.v1alpha import reflection

from kith.errors import Refused
from services.runtime import hop
from services.runtime.address import written
from services.runtime.guard import Guard
from services.runtime.identity import Users
from services.runtime.settings import ServerSettings
from services.runtime.tls import server_credentials

LIVE: Final = "live"
"""Under this name health says SERVING from the start: the process answers, though its models are
still being loaded. Whoever restarts what hangs asks for it, and leaves alone what waits."""

_log = logging.getLogger(__name__)


class Service(NamedTuple):
    """A servicer and how to add it to a server."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, Any], None]
    """The generated `add_*Servicer_to_server`."""
    servicer: object


class Server:
    """A running server: `async with Server(settings, services) as server`.

    It answers health checks with NOT_SERVING until `ready()`, but for that of `LIVE`, so start it
    before loading models, and `add` the services that need them afterwards. Leaving the block stops
    it: NOT_SERVING first, then no new calls, then `grace_s` seconds for the running ones. Belongs
    to the event loop it was entered in.

    Args:
        settings: Where it listens, and to whom.
        services: What it serves; a bare descriptor is of a service that is added later, until
            when calls to it are answered with UNAVAILABLE.
        address: Where to listen instead, as in `unix:/run/kith/socket`.

    Raises:
        Refused: The tokens file or a certificate can't be read.
    """

    port: int
    """The port it listens on, once entered."""

    def __init__(
        self,
        settings: ServerSettings,
        services: Sequence[Service | ServiceDescriptor],
        address: str | None = None,
    ) -> None:
        self._settings = settings
        self._address = address or written(settings.host, settings.port)
        self._credentials = server_credentials(settings)
        self._health = health_aio.HealthServicer()
        there = [service for service in services if isinstance(service, Service)]
        later = [service for service in services if isinstance(service, ServiceDescriptor)]
        self._stopping = asyncio.Event()
        self._starting = {service.full_name for service in later}
        self._names = [*(service.descriptor.full_name for service in there), *self._starting]
        users = Users(settings.user, settings.tokens_file)
        limit = settings.max_message_mib * 1024 * 1024
        age_s = settings.max_connection_age_s
        self._server = grpc.aio.server(
            interceptors=[Guard(users, settings.max_calls, self._starting, self._stopping)],
            options=[
                ("grpc.max_receive_message_length", limit),
                ("grpc.max_send_message_length", limit),
                # A second server on the port is an error, not a share of its calls.
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_ping_interval_without_data_ms", hop.KEEPALIVE_MS // 2),
                *([("grpc.max_connection_age_ms", round(age_s * 1000))] if age_s else []),
            ],
        )
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        if not settings.production:
            health = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
            known = [*self._names, health, reflection.SERVICE_NAME]
            reflection.enable_server_reflection(known, self._server)
        for service in there:
            self.add(service)

    async def __aenter__(self) -> Self:
        """Starts listening.

        Raises:
            Refused: The port is taken, or the address is not this machine's.
        """
        address = self._address
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        await self._health.set(LIVE, health_pb2.HealthCheckResponse.SERVING)
        try:
            self.port = (
                self._server.add_secure_port(address, self._credentials)
                if self._credentials
                else self._server.add_insecure_port(address)
            )
        except RuntimeError as error:
            raise Refused(
                f"port: can't listen on {address}; is another server running there?",
                reason="PORT_UNAVAILABLE",
                field="port",
            ) from error
        await self._server.start()
        if self._settings.tokens_file is None and not _is_local(address):
            _log.warning("%s lets in anyone who can reach it; set KITH_TOKENS_FILE", address)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stops, giving running calls their grace."""
        await self._health.enter_graceful_shutdown()
        self._stopping.set()
        await self._server.stop(self._settings.grace_s)

    def add(self, service: Service) -> None:
        """Serves `service` from now on."""
        service.add(service.servicer, _Handlers(self._server))
        self._starting.discard(service.descriptor.full_name)

    async def ready(self) -> None:
        """Tells health checks that the models are warm."""
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def until_stopped(self) -> None:
        """Waits for SIGINT or SIGTERM."""
        asked = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, asked.set)
        try:
            await asked.wait()
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)

    async def _set_health(self, status: int) -> None:
        for name in ("", *self._names):
            await self._health.set(name, status)


class _Handlers:
    """What generated code adds a servicer to, also while the server runs."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self.add_generic_rpc_handlers = server.add_generic_rpc_handlers

    def add_registered_method_handlers(self, service: str, handlers: object) -> None:
        """Leaves it at the generic ones: a running server takes no others, and needs none."""


def _is_local(address: str) -> bool:
    return address.startswith(("127.", "localhost:", "[::1]:", "unix:"))
