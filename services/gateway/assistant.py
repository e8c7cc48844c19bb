"""The assistant that the gateway speaks for."""

from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Final, Self

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from kith.channel import MAX_MESSAGE_BYTES
from kith.connection import stubs
from kith.v1 import assistant_pb2
from kith.verbs.calls import Service
from services.gateway.caller import Caller
from services.gateway.errors import too_large
from services.gateway.settings import GatewaySettings
from services.runtime.calls import calling, open_channel

_HEALTH_TIMEOUT_S: Final = 2.0


class Assistant:
    """An assistant elsewhere, called in the name of whoever calls the gateway.

    `async with Assistant(address, settings) as assistant`; it belongs to that event loop.

    Args:
        address: HOST:PORT.
        settings: How long a call may take, and whom to trust; a watch takes as long as it is
            listened to.
    """

    def __init__(self, address: str, settings: GatewaySettings) -> None:
        self._address = address
        self._settings = settings

    async def __aenter__(self) -> Self:
        self._channel = open_channel(self._address, self._settings)
        self._stubs = stubs(self._channel)
        self._health: Any = health_pb2_grpc.HealthStub(self._channel)  # its types are incomplete
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._channel.close()

    async def call(
        self, caller: Caller, rpc: str, request: Message, service: Service = "Assistant"
    ) -> Any:  # noqa: ANN401 - of any call
        """The answer to one call.

        Raises:
            KithError: As the assistant; Unavailable when it can't be reached or is too slow.
            InvalidInput: The request is larger than a message may be.
        """
        _require_fitting(request)
        with calling("assistant"):
            return await getattr(self._stubs[service], rpc)(
                request, metadata=caller.metadata, timeout=self._settings.timeout_s
            )

    async def stream(self, caller: Caller, rpc: str, request: Message) -> AsyncGenerator[Any, None]:
        """The answers to one call, as they come. Closing the iterator ends the call.

        Raises:
            KithError: As `call`.
        """
        _require_fitting(request)
        timeout_s = None if rpc == "WatchConcepts" else self._settings.timeout_s
        stub = self._stubs["Assistant"]
        messages = getattr(stub, rpc)(request, metadata=caller.metadata, timeout=timeout_s)
        try:
            with calling("assistant"):
                async for message in messages:
                    yield message
        finally:
            messages.cancel()

    async def is_ready(self) -> bool:
        """Whether it is there, with its models loaded."""
        name = assistant_pb2.DESCRIPTOR.services_by_name["Assistant"].full_name
        try:
            answer = await self._health.Check(
                health_pb2.HealthCheckRequest(service=name), timeout=_HEALTH_TIMEOUT_S
            )
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def _require_fitting(request: Message) -> None:
    # A body within its limit may name uploads that together are not.
    if request.ByteSize() > MAX_MESSAGE_BYTES:
        raise too_large()
