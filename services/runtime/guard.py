"""The interceptor around every call: who asks, is the request valid, what to answer on an error.

Servicers raise `KithError`s and read `current_user()`; they know nothing of statuses, credentials
or limits. Each servicer method is a coroutine, or an async generator for a stream of answers. A
credential that is withdrawn ends a stream before its next message.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Set
from contextlib import aclosing, asynccontextmanager
from enum import Enum
from typing import Any, Final

import grpc
import protovalidate
from google.protobuf.message import DecodeError, Message

from kith.errors import InvalidInput, KithError, Overloaded, Unavailable
from kith.status import DETAILS_KEY, to_status
from services.runtime import hop
from services.runtime.identity import Admission, Users, enter
from services.runtime.metrics import CALLS_RUNNING
from services.runtime.observe import observed
from services.runtime.violations import refusal

_OPEN: Final = "/grpc."
"""Health and reflection answer anybody and validate for themselves."""

_log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Requests = AsyncIterator[Any]


def check(request: "Message | _Unreadable") -> Message:
    """`request`, once it is held against the rules in its `.proto`.

    Raises:
        InvalidInput: It breaks one; the error names the first field at fault, its value, the rule
            and the next step. Or it is no message at all.
    """
    if isinstance(request, _Unreadable):
        what = "request: its bytes are no such message; write it with the stubs of kith.v1"
        raise InvalidInput(what, reason="REQUEST_UNREADABLE", field="request")
    for violation in protovalidate.collect_violations(request, fail_fast=True):
        raise refusal(request, violation)
    return request


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every call to a Kith service.

    Args:
        users: Who may call.
        max_calls: Calls served at once.
        starting: Full names of the services whose models are still being loaded.
        stopping: Tells calls without an end that they should end.
    """

    def __init__(
        self, users: Users, max_calls: int, starting: Set[str], stopping: asyncio.Event
    ) -> None:
        self._users = users
        self._max_calls = max_calls
        self._starting = starting
        self._running = 0
        self._stopping = stopping

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,  # noqa: ANN401 - grpc ships no type for it
    ) -> Any:  # noqa: ANN401 - the same
        """The handler, guarded; or one that refuses the call before its request is read."""
        handler = await continuation(handler_call_details)
        name: str = handler_call_details.method
        if handler is not None and name.startswith(_OPEN):
            return handler
        # A stranger's words would make labels without end.
        call = _Call(
            name[1:] if handler else "unknown",
            dict(handler_call_details.invocation_metadata),
            self._stopping,
        )
        try:
            if handler is None:
                raise self._missing(name)
            admission = Admission(self._users, call.metadata)
            self._enter()
        except KithError as error:
            return grpc.stream_stream_rpc_method_handler(call.refusing(error))
        return call.guarded(handler, admission)

    def _missing(self, method: str) -> KithError:
        service = method[1:].rpartition("/")[0]
        if service in self._starting:
            return Unavailable(
                f"{service} is still starting; try again in a few seconds",
                reason="SERVICE_STARTING",
            )
        return _NoSuchMethod(f"there is no {method[:200]} here", reason="METHOD_UNKNOWN")

    def _enter(self) -> None:
        """Counts the call until it ends, however it does."""
        if self._running >= self._max_calls:
            raise Overloaded(
                f"{self._max_calls} calls are being served; try again in a second",
                reason="SERVER_BUSY",
            )
        task = asyncio.current_task()
        assert task is not None  # gRPC serves each call in a task of its own
        self._running += 1
        CALLS_RUNNING.inc()
        task.add_done_callback(self._leave)

    def _leave(self, _: "asyncio.Task[Any]") -> None:
        self._running -= 1
        CALLS_RUNNING.dec()


class _NoSuchMethod(KithError):  # noqa: N818 - named as its family is
    status = "UNIMPLEMENTED"


class _Call:
    """One call on its way through the guard."""

    def __init__(
        self, method: str, metadata: Mapping[str, str | bytes], stopping: asyncio.Event
    ) -> None:
        self.metadata = metadata
        self._method = method
        self._stopping = stopping
        self._request_id = hop.valid_request_id(metadata.get(hop.REQUEST_ID_KEY))

    def guarded(self, handler: Any, admission: Admission) -> Any:  # noqa: ANN401 - grpc ships no type for it
        """`handler`, watched and in its user's name."""
        if handler.response_streaming:
            serve: Any = self._streaming(handler.stream_stream or handler.unary_stream, admission)
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
        else:
            serve = self._unary(handler.stream_unary or handler.unary_unary, admission)
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
        return make(serve, _reading(handler.request_deserializer), handler.response_serializer)

    def refusing(self, error: KithError) -> Callable[..., Any]:
        async def refuse(requests: Requests, context: Context) -> None:
            async with self._answering(context):
                raise error

        return refuse

    def _unary(
        self, serve: Callable[..., Awaitable[Message]], admission: Admission
    ) -> Callable[..., Any]:
        async def guarded(request: Message | Requests, context: Context) -> Message:
            async with self._answering(context):
                return await serve(_admitted(request, admission), context)

        return guarded

    def _streaming(
        self, serve: Callable[..., AsyncGenerator[Message]], admission: Admission
    ) -> Callable[..., Any]:
        async def guarded(request: Message | Requests, context: Context) -> AsyncIterator[Message]:
            async with (
                self._answering(context),
                aclosing(serve(_admitted(request, admission), context)) as responses,
            ):
                async for response in responses:
                    admission.check()
                    yield response

        return guarded

    @asynccontextmanager
    async def _answering(self, context: Context) -> AsyncIterator[None]:
        """Turns what is raised inside into the status of the call."""
        hop.enter(self._request_id, context.time_remaining(), self._stopping)
        answered = ((hop.REQUEST_ID_KEY, self._request_id),)
        context.set_trailing_metadata(answered)
        with observed(self._method, self.metadata, self._request_id) as outcome:
            try:
                yield
            except grpc.aio.AbortError:
                raise
            except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours, logged as one
                failure = error if isinstance(error, KithError) else _incident(error, self._method)
                outcome.code, outcome.reason = failure.status, failure.reason
                status = to_status(failure)
                trailer = (*answered, (DETAILS_KEY, status.SerializeToString()))
                await context.abort(grpc.StatusCode[failure.status], status.message, trailer)


def _incident(error: Exception, method: str) -> KithError:
    """What the caller is told of a bug; its type, as its text may hold another's content."""
    incident = secrets.token_hex(4)
    _log.error("incident %s in %s", incident, method, exc_info=error)
    return KithError(
        f"Kith failed ({type(error).__name__}); the log of the process that serves has it "
        f"as incident {incident}",
        reason="INTERNAL",
    )


class _Unreadable(Enum):
    """What is read of bytes that are no message."""

    REQUEST = 0


def _reading(deserialize: Callable[[bytes], Message]) -> Callable[[bytes], Message | _Unreadable]:
    """`deserialize`, whose failure is left to `check`: gRPC would answer it by itself."""

    def read(data: bytes) -> Message | _Unreadable:
        try:
            return deserialize(data)
        except DecodeError:
            return _Unreadable.REQUEST

    return read


def _admitted(
    request: Message | _Unreadable | Requests, admission: Admission
) -> Message | Requests:
    """The request, checked (a stream: each message as it is read), in its user's name."""
    # gRPC serves each call in a task of its own, so there is nobody to give the name back to.
    enter(admission.user, admission)
    if isinstance(request, Message | _Unreadable):
        return check(request)
    return _checked(request, admission)


async def _checked(requests: Requests, admission: Admission) -> Requests:
    async for request in requests:
        admission.check()
        yield check(request)
