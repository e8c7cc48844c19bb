"""A program that has no stubs of ours, only gRPC's reflection, can use all there is."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
    ProtoReflectionDescriptorDatabase,
)

from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime import images
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.world import Thing, open_store, paint


@pytest.fixture
async def address(memory_folder: Path, stages: Stages) -> AsyncIterator[str]:
    stores = Stores(lambda user: open_store(memory_folder, user))
    services = [servicer.service(Assistant(method("kith"), stages, stores))]
    async with Server(ServerSettings(port=0, grace_s=0), services) as server:
        yield f"127.0.0.1:{server.port}"
    await stores.close()


def stranger(channel: grpc.Channel) -> Callable[[str, dict[str, Any]], list[dict[str, Any]]]:
    """Calls by name, JSON in and JSON out, by what the server itself says of its methods."""
    pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    service = pool.FindServiceByName("kith.v1.Assistant")

    def call(name: str, request: dict[str, Any]) -> list[dict[str, Any]]:
        rpc = service.methods_by_name[name]
        make = channel.unary_stream if rpc.server_streaming else channel.unary_unary
        ask = make(
            f"/{service.full_name}/{name}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(rpc.output_type).FromString,
        )
        answer = ask(ParseDict(request, GetMessageClass(rpc.input_type)()), timeout=60)
        messages: Iterator[Any] = answer if rpc.server_streaming else iter([answer])
        return [MessageToDict(message, descriptor_pool=pool) for message in messages]

    return call


def photo(*things: Thing) -> dict[str, str]:
    return {"data": base64.b64encode(images.encode(paint(*things))).decode()}


def session(address: str) -> None:
    with grpc.insecure_channel(address) as channel:
        call = stranger(channel)
        (operation,) = call(
            "Remember",
            {
                "parent": "users/me",
                "concept": {"displayName": "bo"},
                "views": [{"photo": photo(Thing("dog", 10))}],
            },
        )
        bo = operation["response"]
        assert (operation["done"], bo["displayName"], bo["category"]) == (True, "bo", "dog")
        (found,) = call(
            "Retrieve", {"parent": "users/me", "images": [photo(Thing("dog", 12, (1, 2, 9, 8)))]}
        )
        (accepted,) = found["retrievals"][0]["accepted"]
        assert accepted["box"] == {"x1": 1.0, "y1": 2.0, "x2": 9.0, "y2": 8.0}
        parts = [{"image": photo(Thing("dog", 12))}, {"text": "Who?"}]
        *pieces, end = call(
            "Generate",
            {"parent": "users/me", "turns": [{"role": "ROLE_USER", "parts": parts}]},
        )
        assert "".join(piece["text"] for piece in pieces) == "A thing on black."
        assert [one["displayName"] for one in end["end"]["concepts"]] == ["bo"]
        call("Forget", {"name": bo["name"]})
        with pytest.raises(grpc.RpcError) as failed:
            call("GetConcept", {"name": bo["name"]})
        assert failed.value.code() is grpc.StatusCode.NOT_FOUND  # type: ignore[attr-defined]


async def test_reflection_alone_is_enough_for_a_whole_session(address: str) -> None:
    await asyncio.to_thread(session, address)
