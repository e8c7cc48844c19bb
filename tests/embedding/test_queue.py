"""The queue in front of a model, seen from the other end of a call."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Overloaded, Unavailable
from services.embedding.remote import RemoteEmbedder
from services.embedding.servicer import service
from services.runtime.batching import Batcher
from tests.runtime.serving import served

Row = NDArray[np.float32]


class Held:
    """An embedder whose model waits until it is let go."""

    name = "held"
    dim = 2

    def __init__(self) -> None:
        self.entered, self.let_go = threading.Event(), threading.Event()
        self.seen: list[str] = []
        self.batcher = Batcher(self.name, self._embed, max_batch=4, max_waiting=3)

    async def embed_texts(self, texts: Sequence[str]) -> Row:
        return np.stack(await self.batcher.run("texts", texts))

    async def embed_images(self, images: Sequence[Image.Image]) -> Row:
        raise NotImplementedError

    def _embed(self, _: str, texts: Sequence[str]) -> list[Row]:
        self.seen += texts
        self.entered.set()
        assert self.let_go.wait(30)
        return [np.array([1, 0], np.float32)] * len(texts)


@pytest.fixture
def held() -> Held:
    return Held()


@pytest.fixture
async def remote(held: Held) -> AsyncIterator[RemoteEmbedder]:
    async with served(service(held)) as channel:
        yield await RemoteEmbedder.connect(channel, timeout_s=30)
        held.let_go.set()
    held.batcher.close()


async def test_a_full_queue_tells_a_caller_elsewhere_when_to_come_back(
    held: Held, remote: RemoteEmbedder
) -> None:
    first = asyncio.create_task(remote.embed_texts(["1", "2", "3"]))
    await asyncio.to_thread(held.entered.wait, 30)
    with pytest.raises(Overloaded) as refused:
        await remote.embed_texts(["4"])
    assert refused.value.reason == "MODEL_QUEUE_FULL"
    assert refused.value.retry_after_s > 0
    held.let_go.set()
    assert len(await first) == 3


@pytest.mark.parametrize("way", ["leaves", "gives up"])
async def test_what_a_caller_elsewhere_no_longer_waits_for_is_never_computed(
    held: Held, remote: RemoteEmbedder, way: str
) -> None:
    first = asyncio.create_task(remote.embed_texts(["first"]))
    await asyncio.to_thread(held.entered.wait, 30)
    if way == "leaves":
        gone = asyncio.create_task(remote.embed_texts(["gone", "gone"]))
        await asyncio.sleep(0.3)
        gone.cancel()
        await asyncio.wait([gone])
    else:
        remote._timeout_s = 0.3
        with pytest.raises(Unavailable):
            await remote.embed_texts(["gone", "gone"])
        remote._timeout_s = 30
    last = await queued(remote, "last")
    held.let_go.set()
    await asyncio.gather(first, last)
    assert held.seen == ["first", "last"]


async def queued(remote: RemoteEmbedder, text: str) -> "asyncio.Task[Row]":
    """A call that waits for the model; the server learns a moment late that there is room."""
    while True:
        call = asyncio.create_task(remote.embed_texts([text]))
        await asyncio.wait([call], timeout=1)
        if not call.done():
            return call
        assert isinstance(call.exception(), Overloaded)
