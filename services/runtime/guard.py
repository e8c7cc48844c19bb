"""The interceptor around every call: who asks, is the request valid, what to answer on an error.

Servicers raise `KithError`s and read `current_user()`; they know nothing of statuses, credentials
or limits. Each servicer method is a coroutine, or an async generator for a stream of answers.
"""

import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import grpc
import protovalidate
from google.protobuf.message import Message

from kith.errors import InvalidInput, KithError
from kith.status import DETAILS_KEY, to_status
from services.runtime.identity import Users, enter

_OURS: Final = "/kith."
"""Health and reflection answer anybody and validate for themselves."""

_log = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Requests = AsyncIterator[Message]


def check(request: Message) -> None:
    """Holds `request` against the rules in its `.proto`.

    Raises:
        InvalidInput: It breaks one; the error names the first field at fault.
    """
    for violation in protovalidate.collect_violations(request, fail_fast=True):
        found = violation.proto
        field = _path(found.field) if found.field else ""
        what = found.message or found.rule_id
        raise InvalidInput(
            f"{field}: {what}" if field else what, reason="FIELD_INVALID", field=field or None
        )


class Guard(grpc.aio.ServerInterceptor):
    """Wraps every call to a Kith service."""

    def __init__(self, users: Users) -> None:
        self._users = users

    async def intercept_service(
        self,
        continuation: Callable[[Any], Awaitable[Any]],
        handler_call_details: Any,  # noqa: ANN401 - grpc ships no type for it
    ) -> Any:  # noqa: ANN401 - the same
        """The handler, guarded."""
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(_OURS):
            return handler
        call = _Call(self._users, handler_call_details)
        if handler.response_streaming:
            serve = handler.stream_stream or handler.unary_stream
            make = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            guarded: Any = call.streaming(serve)
        else:
            serve = handler.stream_unary or handler.unary_unary
            make = (
                grpc.stream_unary_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_unary_rpc_method_handler
            )
            guarded = call.unary(serve)
        return make(guarded, handler.request_deserializer, handler.response_serializer)


class _Call:
    """One call on its way through the guard."""

    def __init__(self, users: Users, details: Any) -> None:  # noqa: ANN401 - see above
        self._users = users
        self._method: str = details.method
        self._metadata = dict(details.invocation_metadata)

    def unary(self, serve: Callable[..., Awaitable[Message]]) -> Callable[..., Any]:
        async def guarded(request: Message | Requests, context: Context) -> Message:
            async with self._answering(context):
                return await serve(self._admitted(request), context)

        return guarded

    def streaming(self, serve: Callable[..., AsyncIterator[Message]]) -> Callable[..., Any]:
        async def guarded(request: Message | Requests, context: Context) -> AsyncIterator[Message]:
            async with self._answering(context):
                async for response in serve(self._admitted(request), context):
                    yield response

        return guarded

    def _admitted(self, request: Message | Requests) -> Message | Requests:
        """The request, checked (a stream: each message as it is read), in its user's name."""
        # gRPC serves each call in a task of its own, so there is nobody to give the name back to.
        enter(self._users.of(self._metadata))
        if isinstance(request, Message):
            check(request)
            return request
        return _checked(request)

    @asynccontextmanager
    async def _answering(self, context: Context) -> AsyncIterator[None]:
        """Turns what is raised inside into the status of the call."""
        try:
            yield
        except KithError as error:
            status = to_status(error)
            code = grpc.StatusCode[error.status]
            trailer = ((DETAILS_KEY, status.SerializeToString()),)
            await context.abort(code, status.message, trailer)
        except grpc.aio.AbortError:
            raise
        except Exception as error:  # noqa: BLE001 - the last line of defence: a bug of ours, logged as one
            # The text of an unknown exception may hold user content, so the caller gets its type.
            incident = secrets.token_hex(4)
            _log.exception("incident %s in %s", incident, self._method)
            failure = KithError(
                f"Kith failed ({type(error).__name__}); the log of the process that serves has it "
                f"as incident {incident}",
                reason="INTERNAL",
            )
            trailer = ((DETAILS_KEY, to_status(failure).SerializeToString()),)
            await context.abort(grpc.StatusCode.INTERNAL, str(failure), trailer)


async def _checked(requests: Requests) -> Requests:
    async for request in requests:
        check(request)
        yield request


def _path(field: Any) -> str:  # noqa: ANN401 - protovalidate's own message class
    """`turns[0].parts[1].text` from a `buf.validate.FieldPath`."""
    names = []
    for element in field.elements:
        subscript = element.subscript
        key = "" if subscript is None else f"[{subscript.value}]"
        names.append(f"{element.field_name}{key}")
    return ".".join(names)
