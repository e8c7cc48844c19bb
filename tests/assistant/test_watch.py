"""A watcher whose credential is withdrawn."""

import asyncio
import hashlib
from pathlib import Path

import grpc
import pytest

from kith.errors import Unauthenticated
from kith.v1 import assistant_pb2_grpc, memory_pb2
from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime.calls import calling
from tests.assistant.world import open_store
from tests.runtime.serving import served


async def test_a_watch_in_which_nothing_happens_ends_with_its_token(
    tmp_path: Path, memory_folder: Path, stages: Stages
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ann {hashlib.sha256(b'secret').hexdigest()}\n", encoding="utf-8")
    stores = Stores(lambda user: open_store(memory_folder, user))
    service = servicer.service(Assistant(method("kith"), stages, stores))
    async with served(service, tokens_file=tokens) as channel:
        watching = assistant_pb2_grpc.AssistantStub(channel).WatchConcepts(
            memory_pb2.WatchConceptsRequest(parent="users/ann"),
            metadata=(("authorization", "Bearer secret"),),
        )
        assert await watching.read() is not grpc.aio.EOF
        tokens.write_text("", encoding="utf-8")
        with pytest.raises(Unauthenticated) as ended, calling("assistant"):
            await asyncio.wait_for(watching.read(), 10)
    assert ended.value.reason == "TOKEN_UNKNOWN"
    await stores.close()
