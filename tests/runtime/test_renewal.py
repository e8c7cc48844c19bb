"""A server whose name had no addresses is found soon after it has one again."""

import asyncio
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import pairwise

import grpc

from kith.errors import Unavailable
from services.runtime.calls import open_channel
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.runtime.echo import Echo, embedding_of, whoami

_AWAY_S = 14.0
"""By then gRPC by itself asks every 5 s and more."""


class Names(asyncio.DatagramProtocol):
    """A name server that gives every name the addresses that it is given."""

    def __init__(self) -> None:
        self.addresses: list[str] = []
        self.asked: list[float] = []
        """When it was asked for addresses of IPv4, in seconds."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12) + 5
        of_ipv4 = data[end - 4 : end - 2] == b"\0\1"
        if of_ipv4:
            self.asked.append(time.monotonic())
        records = [
            b"\xc0\x0c" + struct.pack("!HHIH4B", 1, 1, 1, 4, *map(int, address.split(".")))
            for address in self.addresses
            if of_ipv4
        ]
        there = 0x8180 if self.addresses else 0x8183
        head = data[:2] + struct.pack("!5H", there, 1, len(records), 0, 0)
        self._transport.sendto(head + data[12:end] + b"".join(records), addr)  # type: ignore[attr-defined]


@asynccontextmanager
async def names() -> AsyncIterator[tuple[Names, str]]:
    """A name server, and the beginning of targets that ask it."""
    loop = asyncio.get_running_loop()
    transport, found = await loop.create_datagram_endpoint(Names, local_addr=("127.0.0.1", 0))
    try:
        yield found, "dns://127.0.0.1:{}/".format(transport.get_extra_info("sockname")[1])
    finally:
        transport.close()


async def calls_until(channel: grpc.aio.Channel, answered: bool, at_most_s: float) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < at_most_s:
        with suppress(Unavailable):
            await whoami(channel)
            if answered:
                return
        await asyncio.sleep(0.2)
    assert not answered, f"no answer within {at_most_s} s"


async def test_a_name_without_addresses_is_asked_for_again_and_again() -> None:
    async with (
        names() as (known, at),
        Server(ServerSettings(port=0, grace_s=0), [embedding_of(Echo())]) as server,
        open_channel(f"{at}embedding.here:{server.port}") as channel,
    ):
        await calls_until(channel, answered=False, at_most_s=_AWAY_S)
        times = [*known.asked, time.monotonic()]
        assert max(later - earlier for earlier, later in pairwise(times)) < 3.5
        known.addresses = ["127.0.0.1"]
        await calls_until(channel, answered=True, at_most_s=3.5)
