"""Calling another service: the channel, what goes along with a call, what a failed one means."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import grpc
from grpc.aio import ClientCallDetails, Metadata
from opentelemetry.trace import Span
from pydantic import SecretStr

from kith.channel import channel_options
from kith.errors import Unavailable
from kith.status import from_rpc_error
from services.runtime import hop, tracing
from services.runtime.renewal import Renewed
from services.runtime.settings import CallerSettings
from services.runtime.tls import channel_credentials

_OPTIONS: Final = (
    *channel_options(hop.KEEPALIVE_MS, 5000),
    ("grpc.enable_http_proxy", 0),
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.http2.max_pings_without_data", 0),
    # Where a name has several addresses, calls go to each in turn; and a new one is found soon.
    ("grpc.lb_policy_name", "round_robin"),
    ("grpc.dns_min_time_between_resolutions_ms", 2000),
)


def open_channel(
    address: str, settings: CallerSettings | None = None, token: SecretStr | None = None
) -> grpc.aio.Channel:
    """A channel to HOST:PORT. It connects on first use and belongs to the running event loop.

    A server that comes back is found within seconds, under another address too. Calls carry the id
    and the deadline of the request that they are made for, and the trace.

    Args:
        address: Of the service.
        settings: Whom to trust and what certificate to show; None for a service in the clear.
        token: Bearer token of the caller itself; None leaves it to each call to bring its user's.

    Raises:
        Refused: A certificate can't be read.
    """
    shown = (("authorization", f"Bearer {token.get_secret_value()}"),) if token else ()
    interceptors: list[grpc.aio.ClientInterceptor] = [_Single(shown), _Streamed(shown)]
    credentials = channel_credentials(settings) if settings else None

    def open_one() -> grpc.aio.Channel:
        if credentials is None:
            return grpc.aio.insecure_channel(address, _OPTIONS, interceptors=interceptors)
        return grpc.aio.secure_channel(address, credentials, _OPTIONS, interceptors=interceptors)

    return Renewed(open_one)


@contextmanager
def calling(service: str) -> Iterator[None]:
    """Raises the `KithError` that `service` raised for a call made inside.

    Raises:
        Unavailable: Nobody answers, or not in time.
    """
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        error = from_rpc_error(failed)
        if error.reason == "RPC_UNAVAILABLE":
            what = f"{service}: the service can't be reached; start it or correct its address"
            raise Unavailable(what, reason="SERVICE_UNREACHABLE") from failed
        if error.reason == "RPC_DEADLINE_EXCEEDED":
            what = f"{service}: no answer in time; try again"
            raise Unavailable(what, reason="SERVICE_TOO_SLOW") from failed
        raise error from failed


class _Handing:
    """Hands on what belongs to the request that a call is made for."""

    def __init__(self, shown: tuple[tuple[str, str], ...]) -> None:
        self._shown = shown
        self._ending: set[asyncio.Task[None]] = set()

    async def _call(
        self,
        continuation: Callable[[ClientCallDetails, Any], Awaitable[Any]],
        details: ClientCallDetails,
        request: Any,  # noqa: ANN401 - of any call
    ) -> Any:  # noqa: ANN401 - the same
        method: str | bytes = details.method  # bytes, whatever its type says
        name = method.decode() if isinstance(method, bytes) else method
        span, carried = tracing.calling_span(name.lstrip("/"))
        metadata = Metadata(*(details.metadata or ()), *self._shown, *carried.items())
        if request_id := hop.current_request_id():
            metadata.add(hop.REQUEST_ID_KEY, request_id)
        call = await continuation(
            ClientCallDetails(
                details.method,
                hop.time_for(details.timeout),
                metadata,
                details.credentials,
                details.wait_for_ready,
            ),
            request,
        )
        if span.is_recording():
            call.add_done_callback(lambda done: self._end(span, done))
        return call

    def _end(self, span: Span, call: grpc.aio.Call) -> None:
        async def end() -> None:
            tracing.end(span, (await call.code()).name)

        task = asyncio.get_running_loop().create_task(end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


class _Single(_Handing, grpc.aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401 - grpc's types are generic over no class
        return await self._call(continuation, details, request)


class _Streamed(_Handing, grpc.aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:  # noqa: ANN401 - the same
        return await self._call(continuation, details, request)
