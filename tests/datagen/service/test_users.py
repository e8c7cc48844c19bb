"""Users are apart: whatever of another's is named, in whatever call, there is no such thing."""

from typing import Any

import pytest
from google.longrunning import operations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from datagen.service.servicer import DATAGEN
from kith.errors import NotFound, Unauthenticated
from kith.v1 import datagen_pb2
from services.runtime.operations import OPERATIONS
from tests.datagen.service.calling import Caller, order
from tests.datagen.service.conftest import Serving
from tests.datagen.service.zips import seed_zip

WITHOUT_NAMES = {"MineNegatives", "MakeMask"}
COMMON = {"ListOperations"}
"""What everybody may name, and sees only his own behind."""


async def call(user: Caller, rpc: MethodDescriptor, request: Any) -> None:  # noqa: ANN401
    if rpc.client_streaming:
        await user.ask(rpc.name, iter([request]))
    elif rpc.server_streaming:
        await user.stream(rpc.name, request)
    else:
        await user.ask(rpc.name, request)


def requests(rpc: MethodDescriptor, stolen: dict[str, list[str]]) -> list[Any]:
    """Every way to name another's in a call."""
    make = GetMessageClass(rpc.input_type)
    if rpc.name == "UploadSeedSet":
        return [make(header={"parent": parent}) for parent in stolen["parent"]]
    if rpc.name == "MakeDataset":
        engine = datagen_pb2.ENGINE_MSDIFFUSION
        others = [order(parent=parent) for parent in stolen["parent"]]
        return others + [order(engine=engine, seed_set=one) for one in stolen["seed_set"]]
    if "parent" in rpc.input_type.fields_by_name:
        return [make(parent=parent) for parent in stolen["parent"]]
    if rpc.name == "DeleteSeedSet":
        return [make(name=name) for name in stolen["seed_set"]]
    kind = "dataset" if rpc.containing_service is DATAGEN else "operation"
    return [make(name=name) for name in stolen[kind]]


async def test_nothing_of_another_user_is_found_by_any_call(serving: Serving) -> None:
    async with serving() as ann:
        operation = await ann.ask("MakeDataset", order("hers"))
        await ann.over(operation.name)
        seeds = await ann.upload(seed_zip())
        before = await ann.dataset("users/me/datasets/hers")
        seed_set = seeds.name.rpartition("/")[2]
        stolen = {
            "parent": ["users/ann"],
            "dataset": [f"users/{user}/datasets/hers" for user in ("ann", "me", "bob")],
            "seed_set": [f"users/{user}/seedSets/{seed_set}" for user in ("ann", "me", "bob")],
            "operation": [operation.name],
        }
        bob = ann.also("bob")
        tried = []
        for rpc in (*DATAGEN.methods, *OPERATIONS.methods):
            if rpc.name in WITHOUT_NAMES | COMMON:
                continue
            for request in requests(rpc, stolen):
                with pytest.raises(NotFound):
                    await call(bob, rpc, request)
                tried.append(rpc.name)
        assert len(set(tried)) == 13
        assert await ann.dataset("users/me/datasets/hers") == before
        everything = operations_pb2.ListOperationsRequest(name="operations")
        assert (await bob.ask("ListOperations", everything)).operations == []
        mine = datagen_pb2.ListDatasetsRequest(parent="users/me")
        assert (await bob.ask("ListDatasets", mine)).datasets == []


async def test_two_users_may_call_their_datasets_alike(serving: Serving) -> None:
    async with serving() as ann:
        hers = await ann.made()
        his = await ann.also("bob").made(random_seed=1)
        assert (hers.name, his.name) == ("users/ann/datasets/first", "users/bob/datasets/first")
        assert hers.fingerprint != his.fingerprint


async def test_without_a_token_nobody_is_let_in(serving: Serving) -> None:
    async with serving(draws=False) as ann:
        nobody = ann.also("nobody")
        for method, request in (
            ("MakeDataset", order()),
            ("ListOperations", operations_pb2.ListOperationsRequest(name="operations")),
        ):
            with pytest.raises(Unauthenticated):
                await nobody.ask(method, request)
