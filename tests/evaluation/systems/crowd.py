"""A Kith server with fixed answers that keeps a memory for each user."""

# ruff: noqa: N802  (the names are those of the contract)

import threading
from collections import defaultdict
from typing import Any

import grpc
from google.longrunning.operations_pb2 import Operation
from google.protobuf.message import Message

from kith.connection import USER_KEY
from kith.v1 import memory_pb2, query_pb2, resources_pb2
from tests.kith.fake import FakeAssistant, FakeTraining

Memory = dict[str, resources_pb2.Concept]


class Crowd(FakeAssistant):
    """See the module."""

    def __init__(self, *, trains: bool = False, at_once: int = 0) -> None:
        self.memories: defaultdict[str, Memory] = defaultdict(dict)
        self._calling = threading.local()
        self._numbers = 0
        self._at_once = at_once
        super().__init__()
        self.training = FakeTraining() if trains else None

    @property
    def concepts(self) -> Memory:  # type: ignore[override]
        """Of whoever calls."""
        return self.memories[self._calling.user]

    @concepts.setter
    def concepts(self, memory: Memory) -> None:
        """Nothing: there is a memory for each user."""

    def Remember(
        self, request: memory_pb2.RememberRequest, context: grpc.ServicerContext
    ) -> Operation:
        operation = super().Remember(request, context)
        self._numbers += 1
        made = self.concepts[request.concept.display_name]
        made.name = f"users/me/concepts/n{self._numbers}"
        if self.training is None:
            operation.response.Pack(made)
            return operation
        return self.training.begin([made], remembers=True)

    def Forget(
        self, request: memory_pb2.ForgetRequest, context: grpc.ServicerContext
    ) -> resources_pb2.Concept:
        concept = super().Forget(request, context)
        for name in [name for name, one in self.concepts.items() if one is concept]:
            del self.concepts[name]
        return concept

    def GetCapabilities(
        self, request: query_pb2.GetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> query_pb2.Capabilities:
        told = super().GetCapabilities(request, context)
        told.training = self.training is not None
        told.max_concepts_at_once = self._at_once
        return told

    def names(self, user: str) -> set[str]:
        """What a user's memory holds."""
        return {one.display_name for one in self.memories[user].values()}

    def asked(self, kind: type[Message]) -> list[Any]:
        """The requests of a kind."""
        return [one for one in self.requests if isinstance(one, kind)]

    def _note(self, request: Message, context: grpc.ServicerContext) -> None:
        told = dict(context.invocation_metadata())
        user = told.get("authorization") or told.get(USER_KEY) or "nobody"
        self._calling.user = user.removeprefix("Bearer ")
        super()._note(request, context)
