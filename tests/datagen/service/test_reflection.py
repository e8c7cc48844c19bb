"""A program without stubs of ours finds both services and uses them."""

import asyncio
from pathlib import Path
from typing import Any

import grpc

from datagen.service import servicer
from datagen.service.material import Material
from datagen.service.serve import books_of
from datagen.service.settings import DatagenSettings
from examples import reflection_client
from services.runtime.server import Server
from services.runtime.worker import ModelWorker

ORDER = {
    "parent": "users/me",
    "dataset_id": "first",
    "engine": "ENGINE_PLAYROOM",
    "split": "small",
    "validate_only": True,
}


def session(address: str) -> tuple[list[str], list[Any], list[Any]]:
    with grpc.insecure_channel(address) as channel:
        methods = list(reflection_client.methods(channel))
        made = list(reflection_client.call(channel, "kith.v1.Datagen/MakeDataset", ORDER))
        named = {"name": "operations"}
        listed = reflection_client.call(
            channel, "google.longrunning.Operations/ListOperations", named
        )
        return methods, made, list(listed)


async def test_reflection_alone_is_enough_to_order_a_dataset(root: Path) -> None:
    settings = DatagenSettings(datagen_dir=root, port=0, grace_s=0)
    both = servicer.services(books_of(settings), Material(settings), ModelWorker("seed sets"))
    async with Server(settings, both) as server:
        methods, made, listed = await asyncio.to_thread(session, f"127.0.0.1:{server.port}")
    assert {f"kith.v1.Datagen/{rpc.name}" for rpc in servicer.DATAGEN.methods} <= set(methods)
    assert "google.longrunning.Operations/WaitOperation" in methods
    assert (made[0]["done"], made[0]["metadata"]["images_planned"]) == (True, 11)
    assert listed == [{}]
