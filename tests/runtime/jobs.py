"""What tests of every service of jobs share: who calls it, and that its users stay apart."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import grpc
import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from kith.errors import NotFound, Unauthenticated
from services.runtime.calls import calling
from services.runtime.operations import OPERATIONS

M = TypeVar("M", bound=Message)

LIST_OPERATIONS = operations_pb2.ListOperationsRequest(name="operations")


class Caller:
    """One user's stubs: of a service of jobs and of its operations. Raises what those raised."""

    stub: ClassVar[Callable[[grpc.aio.Channel], Any]]
    """Of the service."""

    def __init__(self, channel: grpc.aio.Channel, user: str) -> None:
        self._channel = channel
        self._service = type(self).stub(channel)
        self._operations = operations_pb2_grpc.OperationsStub(channel)
        self._metadata = (("authorization", f"Bearer {user}"),)

    def also(self, user: str) -> Self:
        """Another user on the same connection."""
        return type(self)(self._channel, user)

    async def ask(self, method: str, request: Any) -> Any:  # noqa: ANN401 - of any call
        """The answer to a call."""
        owner = self._service if hasattr(self._service, method) else self._operations
        with calling("jobs"):
            return await getattr(owner, method)(request, metadata=self._metadata, timeout=60)

    async def stream(self, method: str, request: Any) -> list[Any]:  # noqa: ANN401 - of any call
        """All that a call streams."""
        with calling("jobs"):
            call = getattr(self._service, method)(request, metadata=self._metadata, timeout=60)
            return [message async for message in call]

    async def operation(self, name: str) -> operations_pb2.Operation:
        """An operation as it is now."""
        found: operations_pb2.Operation = await self.ask(
            "GetOperation", operations_pb2.GetOperationRequest(name=name)
        )
        return found

    async def over(self, name: str) -> operations_pb2.Operation:
        """An operation once it is over."""
        request = operations_pb2.WaitOperationRequest(name=name)
        request.timeout.FromSeconds(50)
        found: operations_pb2.Operation = await self.ask("WaitOperation", request)
        assert found.done
        return found

    async def cancel(self, name: str) -> None:
        """Cancels an operation."""
        await self.ask("CancelOperation", operations_pb2.CancelOperationRequest(name=name))

    async def result(self, method: str, request: Any, kind: type[M]) -> M:  # noqa: ANN401 - the same
        """What comes of the job that a call begins, once it is over."""
        begun = await self.ask(method, request)
        over = await self.over(begun.name)
        made = kind()
        assert over.response.Unpack(made), over.error
        return made


def paths(root: Path, pattern: str) -> list[Path]:
    """What lies in the service's folder, by a glob pattern."""
    return sorted(root.glob(pattern))


def told(operation: operations_pb2.Operation, kind: type[M]) -> M:
    """What an operation tells of its job."""
    progress = kind()
    assert operation.metadata.Unpack(progress)
    return progress


def named_by(name: str) -> list[str]:
    """A resource of ann's, as anybody might try to name it."""
    return [name.replace("users/ann", f"users/{user}") for user in ("ann", "me", "bob")]


async def calls_in_vain(
    ann: Caller, service: ServiceDescriptor, name: str, own: Mapping[str, Sequence[Any]]
) -> set[str]:
    """The calls in which bob named what is ann's, and to none of them there was such a thing.

    Args:
        ann: She has one operation and `name`.
        service: Of her jobs; its calls are tried, and those on operations.
        name: Of the resource that calls with a `name` are tried with.
        own: Requests of calls that name something else, by the call; none for one that can't.
    """
    bob = ann.also("bob")
    (operation,) = (await ann.ask("ListOperations", LIST_OPERATIONS)).operations
    tried = set()
    for rpc in (*service.methods, *OPERATIONS.methods):
        if rpc.name == "ListOperations":
            assert (await bob.ask("ListOperations", LIST_OPERATIONS)).operations == []
            continue
        named = own[rpc.name] if rpc.name in own else _naming(rpc, name, operation.name)
        for request in named:
            with pytest.raises(NotFound):
                await _call(bob, rpc, request)
            tried.add(rpc.name)
    return tried


async def let_in_without_a_token(ann: Caller, method: str, request: Any) -> None:  # noqa: ANN401
    """Tries what nobody may who has no token."""
    nobody = ann.also("nobody")
    for name, asked in ((method, request), ("ListOperations", LIST_OPERATIONS)):
        with pytest.raises(Unauthenticated):
            await nobody.ask(name, asked)


def _naming(rpc: MethodDescriptor, name: str, operation: str) -> list[Any]:
    """Every way to name what is ann's in a call."""
    make = GetMessageClass(rpc.input_type)
    if "parent" in rpc.input_type.fields_by_name:
        return [make(parent="users/ann")]
    if rpc.containing_service is OPERATIONS:
        return [make(name=operation)]
    return [make(name=one) for one in named_by(name)]


async def _call(user: Caller, rpc: MethodDescriptor, request: Any) -> None:  # noqa: ANN401
    if rpc.server_streaming:
        await user.stream(rpc.name, request)
    else:
        await user.ask(rpc.name, iter([request]) if rpc.client_streaming else request)
