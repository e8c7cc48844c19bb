"""One HTTP request on its way to the assistant: JSON in, a message of the contract, JSON out."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncGenerator
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Path, Request
from fastapi.responses import JSONResponse, Response
from google.longrunning.operations_pb2 import Operation
from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from kith.channel import MAX_MESSAGE_BYTES
from kith.errors import InvalidInput, KithError, Refused, from_status
from kith.verbs.calls import PARENT, Service
from services.gateway.caller import Caller
from services.gateway.errors import too_large
from services.gateway.gateway import Gateway
from services.gateway.streaming import unless_left

M = TypeVar("M", bound=Message)

_ID: Final = "^[A-Za-z0-9_-]{1,64}$"

_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/_=\s-]")
"""None of its letters, URL-safe ones included, nor a line's end."""

_BOOL: Final = FieldDescriptor.TYPE_BOOL
_TRUTH: Final = {"true": True, "false": False}
"""How a query says so."""

ConceptId = Annotated[
    str, Path(pattern=_ID, description="The last part of `users/{user}/concepts/{concept}`.")
]
ViewId = Annotated[str, Path(pattern=_ID, description="The last part of a view's name.")]


class Call:
    """A request, its caller, and the assistant that it is for."""

    def __init__(self, request: Request, gateway: Gateway) -> None:
        self.request = request
        self.gateway = gateway
        self.caller = Caller.of(request.headers)
        self._taken_bytes = 0

    async def read(self, message: type[M]) -> M:
        """The body as `message`; `{"upload": handle}` stands for the picture that was uploaded.

        Raises:
            InvalidInput: It is no JSON object, has fields that the message has not, or a photo
                that is not base64.
            NotFound: There is no such upload.
        """
        body = await self.json()
        return await asyncio.to_thread(self._parsed, body, message)

    async def json(self) -> dict[str, Any]:
        """The body, an object.

        Raises:
            InvalidInput: It is none.
        """
        require_json(self.request)
        data = await self.request.body()
        try:
            body = await asyncio.to_thread(_loaded, data)
        except (ValueError, RecursionError) as error:
            raise InvalidInput(
                "body: not JSON; send an object", reason="BODY_INVALID", field="body"
            ) from error
        if not isinstance(body, dict):
            raise InvalidInput(
                "body: not a JSON object; send one", reason="BODY_INVALID", field="body"
            )
        return body

    def query(self, message: type[M]) -> M:
        """The query of the URL as `message`.

        Raises:
            InvalidInput: It has fields that the message has not, or values that don't fit.
        """
        known = message.DESCRIPTOR.fields
        fields = {name: one for one in known for name in (one.name, one.json_name)}
        asked = message_of({}, message)
        for name, word in self.request.query_params.items():
            if name not in fields:
                names = ", ".join(one.name for one in known)
                raise _parameter_invalid(name[:80], f"there is no such parameter; take of {names}")
            value = _TRUTH.get(word, word) if fields[name].type == _BOOL else word
            try:
                json_format.ParseDict({name: value}, asked)
            except (json_format.ParseError, ValueError) as error:
                raise _parameter_invalid(name, f"{word[:80]!r} does not fit; see /docs") from error
        return asked

    async def ask(self, rpc: str, request: Message, service: Service = "Assistant") -> Any:  # noqa: ANN401 - as the call answers
        """The assistant's answer. Raises what `Assistant.call` raises."""
        return await self.gateway.assistant.call(self.caller, rpc, request, service)

    async def look(self, rpc: str, request: Message) -> Any:  # noqa: ANN401 - the same
        """As `ask`, for what changes nothing: it is given up when nobody waits for the answer.

        Raises:
            CallerLeftError: The connection was closed before the answer came.
        """
        return await unless_left(self.request, self.ask(rpc, request))

    def stream(self, rpc: str, request: Message) -> AsyncGenerator[Any, None]:
        """The assistant's answers. Raises what `Assistant.stream` raises."""
        return self.gateway.assistant.stream(self.caller, rpc, request)

    def take_upload(self, handle: str) -> bytes:
        """The caller's photo behind a handle.

        Raises:
            NotFound: As `Uploads.take`.
            InvalidInput: With those taken before it is more than a message may have; a small body
                may name a large photo many times.
        """
        photo = self.gateway.uploads.take(self.caller, handle)
        self._taken_bytes += len(photo)
        if self._taken_bytes > MAX_MESSAGE_BYTES:
            raise too_large()
        return photo

    def _parsed(self, body: dict[str, Any], message: type[M]) -> M:
        try:
            whole = self._with_photos(body)
        except RecursionError as error:
            raise InvalidInput(
                "body: nested too deeply; send a flatter one", reason="BODY_INVALID", field="body"
            ) from error
        return message_of(whole, message)

    def _with_photos(self, value: Any, field: str = "") -> Any:  # noqa: ANN401 - any JSON
        """`value` with photos in place of handles of uploads."""
        if isinstance(value, list):
            return [self._with_photos(one, f"{field}[{n}]") for n, one in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if value.keys() == {"upload"} and isinstance(handle := value["upload"], str):
            photo = self.take_upload(handle)
            return {"data": base64.b64encode(photo).decode()}
        if value.keys() == {"data"} and isinstance(data := value["data"], str):
            return {"data": _require_base64(data, f"{field}.data".lstrip("."))}
        return {
            name: self._with_photos(inner, f"{field}.{name}".lstrip("."))
            for name, inner in value.items()
        }


def _require_base64(data: str, field: str) -> str:
    """`data`, which protobuf would read leaving out whatever is none of base64's letters."""
    if _NOT_BASE64.search(data):
        raise InvalidInput(
            f"{field}: {data[:40]!r} is not base64; encode the file's bytes in it",
            reason="NOT_BASE64",
            field=field,
        )
    return data


def require_json(request: Request) -> None:
    """Refuses a body that is said to be anything but JSON.

    A page of another origin may send it without asking first.

    Raises:
        InvalidInput: It is.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise InvalidInput(
            f"content-type: {kind[:80]!r}; send application/json",
            reason="MEDIA_TYPE_UNSUPPORTED",
            field="content-type",
        )


def _of(request: Request) -> Call:
    return Call(request, request.app.state.gateway)


Called = Annotated[Call, Depends(_of)]


def _parameter_invalid(name: str, what: str) -> InvalidInput:
    return InvalidInput(f"{name}: {what}", reason="PARAMETER_INVALID", field=name)


def _loaded(data: bytes) -> Any:  # noqa: ANN401 - any JSON
    text = data.decode("utf-8-sig")
    body = json.loads(text)
    if "\\u" in text:  # which can tell of half a character, and that is none
        json.dumps(body, ensure_ascii=False).encode()
    return body


def as_json(message: Message) -> dict[str, Any]:
    """`message` in protobuf's JSON, fields named as in the contract, default values too."""
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


async def reply(message: Message) -> Response:
    """The answer that gives `message`."""
    return JSONResponse(await asyncio.to_thread(as_json, message))


def result(operation: Operation, message: type[M]) -> M:
    """What came of an operation.

    Raises:
        KithError: It failed, as its status says.
        Refused: It is not over yet.
    """
    if operation.HasField("error"):
        failed = from_status(code_pb2.Code.Name(operation.error.code))
        raise failed(operation.error.message, reason="OPERATION_FAILED")
    if not operation.done:
        raise Refused(
            f"method: training goes on; follow it by GET /v1/{operation.name}",
            reason="OPERATION_RUNNING",
        )
    made = message()
    if not operation.response.Unpack(made):
        raise KithError("the assistant sent something else", reason="RESPONSE_INVALID")
    return made


def message_of(value: dict[str, Any], message: type[M]) -> M:
    """`value`, an object of protobuf's JSON, as `message`, in the memory of whoever asks.

    Raises:
        InvalidInput: It has fields that the message has not, or values that don't fit.
    """
    if "parent" in message.DESCRIPTOR.fields_by_name:
        value = {"parent": PARENT, **value}
    try:
        return json_format.ParseDict(value, message())
    except (json_format.ParseError, ValueError, RecursionError) as error:
        what = str(error).partition("\n")[0][:300]
        raise InvalidInput(f"body: {what}", reason="BODY_INVALID", field="body") from error
