"""Users are apart: whatever of another's is named, in whatever call, there is no such thing."""

from typing import Any

import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from evaluation.service.serve import EVALUATION
from kith.errors import NotFound, Unauthenticated
from kith.v1 import evaluation_pb2
from services.runtime.operations import OPERATIONS
from tests.evaluation.service.calling import Caller, order
from tests.evaluation.service.conftest import Serving

COMMON = {"ListOperations"}
"""What everybody may name, and sees only his own behind."""


async def call(user: Caller, rpc: MethodDescriptor, request: Any) -> None:  # noqa: ANN401
    if rpc.server_streaming:
        await user.stream(rpc.name, request)
    else:
        await user.ask(rpc.name, request)


def requests(rpc: MethodDescriptor, stolen: dict[str, list[str]]) -> list[Any]:
    """Every way to name another's in a call."""
    make = GetMessageClass(rpc.input_type)
    if rpc.name == "RunEvaluation":
        return [order(parent=parent) for parent in stolen["parent"]]
    if "parent" in rpc.input_type.fields_by_name:
        return [make(parent=parent) for parent in stolen["parent"]]
    kind = "report" if rpc.containing_service is EVALUATION else "operation"
    return [make(name=name) for name in stolen[kind]]


async def test_nothing_of_another_user_is_found_by_any_call(serving: Serving) -> None:
    async with serving() as ann:
        operation = await ann.ask("RunEvaluation", order("hers"))
        await ann.over(operation.name)
        before = await ann.report("users/me/reports/hers")
        stolen = {
            "parent": ["users/ann"],
            "report": [f"users/{user}/reports/hers" for user in ("ann", "me", "bob")],
            "operation": [operation.name],
        }
        bob = ann.also("bob")
        tried = []
        for rpc in (*EVALUATION.methods, *OPERATIONS.methods):
            if rpc.name in COMMON:
                continue
            for request in requests(rpc, stolen):
                with pytest.raises(NotFound):
                    await call(bob, rpc, request)
                tried.append(rpc.name)
        assert len(set(tried)) == 10
        assert await ann.report("users/me/reports/hers") == before
        everything = operations_pb2.ListOperationsRequest(name="operations")
        assert (await bob.ask("ListOperations", everything)).operations == []
        mine = evaluation_pb2.ListReportsRequest(parent="users/me")
        assert (await bob.ask("ListReports", mine)).reports == []


async def test_two_users_may_call_their_reports_alike(serving: Serving) -> None:
    async with serving() as ann:
        hers = await ann.measured()
        his = await ann.also("bob").measured(methods=["rap"])
        assert (hers.name, his.name) == ("users/ann/reports/first", "users/bob/reports/first")
        assert {one.method for one in his.figures} == {"rap"}


async def test_without_a_token_nobody_is_let_in(serving: Serving) -> None:
    async with serving(works=False) as ann:
        nobody = ann.also("nobody")
        for method, request in (
            ("RunEvaluation", order()),
            ("ListOperations", operations_pb2.ListOperationsRequest(name="operations")),
        ):
            with pytest.raises(Unauthenticated):
                await nobody.ask(method, request)
