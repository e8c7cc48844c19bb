import asyncio
import inspect
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kith.aio import AsyncClient, AsyncVerbs
from kith.client import Client
from kith.errors import AlreadyExists, InvalidInput
from tests.kith.fake import FakeAssistant


async def test_the_verbs_are_awaited_and_give_the_same(address: str, client: Client) -> None:
    async with AsyncClient(address) as kith:
        made = await kith.remember("bo", b"a", category="dog")
        assert made == client.get("bo")
        assert await kith.list_concepts() == client.list_concepts()
        assert await kith.retrieve(b"photo") == client.retrieve(b"photo")
        assert await kith.recognize(b"photo", ["bo"]) == client.recognize(b"photo", ["bo"])
        assert await kith.ask("Is <bo> here?") == client.ask("Is <bo> here?")
        assert await kith.capabilities() == client.capabilities()


async def test_streams_are_read_with_async_for(address: str, client: Client) -> None:
    async with AsyncClient(address) as kith:
        await kith.remember("bo", b"a")
        assert [edit async for edit in kith.watch()] == list(client.watch())
        assert [piece async for piece in kith.ask_stream("?")] == list(client.ask_stream("?"))
        assert [chunk async for chunk in kith.export_memory()] == [b"one", b"two"]


async def test_errors_are_the_same(address: str) -> None:
    async with AsyncClient(address) as kith:
        await kith.remember("bo", b"a")
        with pytest.raises(AlreadyExists) as caught:
            await kith.remember("bo", b"a")
        assert caught.value.reason == "NAME_TAKEN"
        with pytest.raises(InvalidInput):
            await kith.retrieve(b"broken")


async def test_leaving_a_watch_ends_the_call(address: str, assistant: FakeAssistant) -> None:
    async with AsyncClient(address) as kith:
        async for edit in kith.watch():
            assert edit.kind == "none"
            break
        assert await kith.list_concepts() == []


async def test_who_gives_up_entering_leaves_no_server_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on, left = threading.Event(), threading.Event(), threading.Event()

    @contextmanager
    def slow(*_: object) -> Iterator[str]:
        begun.set()
        assert go_on.wait(10)
        yield "127.0.0.1:1"
        left.set()

    monkeypatch.setattr("kith.aio.reach", slow)
    entering = asyncio.create_task(AsyncClient().__aenter__())
    assert await asyncio.to_thread(begun.wait, 10)
    entering.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await entering
    assert left.wait(10)


def test_both_clients_have_the_same_verbs_with_the_same_signatures() -> None:
    def verbs(client: type) -> dict[str, object]:
        return {
            name: list(inspect.signature(member).parameters.values())
            for name, member in vars(client).items()
            if not name.startswith("_") and callable(member) and name != "close"
        }

    assert verbs(Client) == verbs(AsyncVerbs)
    assert inspect.signature(Client.__init__) == inspect.signature(AsyncClient.__init__)
