"""Who ended a call that comes back as cancelled: the server that stops, or whoever made it."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import grpc
import pytest

from kith.aio import AsyncClient
from kith.client import Client
from kith.errors import KithError, Refused, Unavailable
from kith.v1 import query_pb2
from tests.kith.fake import FakeAssistant, serving


class Leaving(FakeAssistant):
    """Drops every question, as a server that stops does with those that come too late."""

    def Generate(  # noqa: N802
        self, request: query_pb2.GenerateRequest, context: grpc.ServicerContext
    ) -> Iterator[query_pb2.GenerateResponse]:
        yield query_pb2.GenerateResponse(text="Yes, ")
        context.cancel()

    def GetCapabilities(  # noqa: N802
        self, request: query_pb2.GetCapabilitiesRequest, context: grpc.ServicerContext
    ) -> query_pb2.Capabilities:
        context.cancel()
        return query_pb2.Capabilities()


@pytest.fixture
def assistant() -> FakeAssistant:
    return Leaving()


def check(error: KithError, address: str) -> None:
    assert isinstance(error, Unavailable)
    assert (error.reason, error.field) == ("RPC_UNAVAILABLE", "server")
    assert str(error).startswith(f"server: {address} has stopped during the call; once it is back")


def test_a_call_that_the_server_drops_is_told_as_its_stop(address: str, client: Client) -> None:
    with pytest.raises(KithError) as lost:
        client.capabilities()
    check(lost.value, address)
    with pytest.raises(KithError) as broken:
        list(client.ask_stream("Is <bo> here?"))
    check(broken.value, address)


async def test_so_it_is_where_calls_are_awaited(address: str) -> None:
    async with AsyncClient(address) as kith:
        with pytest.raises(KithError) as lost:
            await kith.capabilities()
        check(lost.value, address)
        with pytest.raises(KithError) as broken:
            await kith.ask("Is <bo> here?")
        check(broken.value, address)


def test_whoever_calls_while_a_server_stops_is_told_that_it_is_away() -> None:
    ended: list[KithError] = []

    def call_on(address: str) -> None:
        with Client(address) as kith:
            while True:
                try:
                    kith.list_concepts()
                except KithError as error:
                    ended.append(error)
                    return

    with ExitStack() as server:
        busy = FakeAssistant()
        address = server.enter_context(serving(busy))
        callers = [threading.Thread(target=call_on, args=(address,)) for _ in range(8)]
        for caller in callers:
            caller.start()
        while len(busy.requests) < 100:
            time.sleep(0.01)
    for caller in callers:
        caller.join(30)
    assert [type(error) for error in ended] == [Unavailable] * 8


def test_a_call_that_is_cancelled_here_is_no_failure_of_the_servers() -> None:
    slow = FakeAssistant()
    slow.delay_s = 1.0
    with serving(slow) as address:
        kith = Client(address)
        threading.Timer(0.3, kith.close).start()
        with pytest.raises(Refused) as cancelled:
            kith.list_concepts()
        assert cancelled.value.reason == "RPC_CANCELLED"


async def test_a_task_that_is_cancelled_ends_as_cancelled() -> None:
    slow = FakeAssistant()
    slow.delay_s = 1.0
    with serving(slow) as address:
        async with AsyncClient(address) as kith:
            asking = asyncio.create_task(kith.list_concepts())
            await asyncio.sleep(0.3)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
