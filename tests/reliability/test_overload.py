"""Five times what it can do is asked of it: what it takes is as quick as ever, the rest refused."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import grpc
import numpy as np
import pytest

from kith import Client
from kith.v1 import assistant_pb2_grpc, common_pb2, query_pb2
from tests.end_to_end.test_up import PICTURE
from tests.reliability.table import Effort, Table
from tests.reliability.whole import started

MOST_CALLS: Final = 8
"""KITH_MAX_CALLS of an assistant on two cores: whom it takes waits for seven others at most. The
default is for one whose language model runs elsewhere."""

pytestmark = pytest.mark.timeout(3600)


@dataclass
class Load:
    """How long calls took, in milliseconds, by how they ended."""

    accepted: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)
    late: list[float] = field(default_factory=list)
    """By which the callers' own loop woke up too late: time that is no fault of the server's."""

    @property
    def calls(self) -> int:
        return len(self.accepted) + len(self.refused) + self.failed.total()

    def told(self) -> str:
        return f"{len(self.accepted):,} and {len(self.refused):,}"


class Caller:
    """Retrieves the same photo again and again.

    Args:
        channel: To the assistant.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._retrieve = assistant_pb2_grpc.AssistantStub(channel).Retrieve
        photo = common_pb2.Image(data=PICTURE.read_bytes())
        self._request = query_pb2.RetrieveRequest(parent="users/me", images=[photo])

    async def capacity(self, seconds: float) -> float:
        """Calls a second when as many as are taken are always there."""
        load, until = Load(), time.monotonic() + seconds

        async def go_on() -> None:
            while time.monotonic() < until:
                await self._call(load)

        await asyncio.gather(*(go_on() for _ in range(MOST_CALLS)))
        return len(load.accepted) / seconds

    async def load(self, rate: float, seconds: float) -> Load:
        """Calls that come by chance, `rate` a second, whatever becomes of those before."""
        load, rng = Load(), np.random.default_rng(1)
        at = time.monotonic()
        until = at + seconds
        async with asyncio.TaskGroup() as calls:
            while (at := at + rng.exponential(1 / rate)) < until:
                await asyncio.sleep(at - time.monotonic())
                load.late.append(1000 * (time.monotonic() - at))
                calls.create_task(self._call(load))
        return load

    async def _call(self, load: Load) -> None:
        began = time.monotonic()
        try:
            await self._retrieve(self._request, timeout=60)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED:
                load.refused.append(1000 * (time.monotonic() - began))
            else:
                load.failed[error.code().name] += 1
        else:
            load.accepted.append(1000 * (time.monotonic() - began))


async def test_an_overload_is_refused_at_once_and_slows_nobody_down(
    effort: Effort, tmp_path: Path
) -> None:
    seconds = 60.0 if effort == "long" else 3.0
    with (
        Table("Overload", "the callers' clock, and the kernel", effort) as table,
        started(tmp_path, KITH_MAX_CALLS=str(MOST_CALLS)) as whole,
    ):
        with Client(whole.assistant.address) as kith:
            kith.remember("bo", PICTURE, category="dog", description="It is.")
        async with grpc.aio.insecure_channel(whole.assistant.address) as channel:
            caller = Caller(channel)
            capacity = await caller.capacity(seconds / 2)
            below = await caller.load(0.8 * capacity, seconds)
            before, waited = whole.assistant.use(), whole.assistant.loop_waits()
            above = await caller.load(5 * capacity, seconds)
            after, waited = whole.assistant.use(), whole.assistant.loop_waits() - waited
        table.traffic("calls at 5 times", above.calls, at_least=int(2 * capacity * seconds))
        table.tell("calls that are served at once (KITH_MAX_CALLS)", MOST_CALLS)
        table.tell("retrievals that it can do", capacity, "a second")
        table.tell("accepted and refused at 0.8 times", below.told())
        table.tell("accepted and refused at 5 times", above.told())
        table.exactly("calls that failed otherwise", (below.failed + above.failed).total(), 0)
        table.at_most("growth of memory", after.memory_mib - before.memory_mib, 64, "MiB")
        table.at_most("growth of open files", after.files - before.files, 16)
        table.at_most("growth of threads", after.threads - before.threads, 16)
        table.tell("the server's event loop waited for a core", 100 * waited / seconds, "%")
        _judge(table, effort, below, above)


def _judge(table: Table, effort: Effort, below: Load, above: Load) -> None:
    """What hangs on the clock; in the short form it is told and proves nothing."""
    low, high = (float(np.percentile(load.accepted, 99)) for load in (below, above))
    middle, last = (float(ms) for ms in np.percentile(above.refused, [50, 99]))
    table.tell("p99 of what is accepted at 0.8 times", low, "ms")
    table.tell("p99 of what is accepted at 5 times", high, "ms")
    table.tell("median of what is refused at 5 times", middle, "ms")
    table.tell("p99 by which callers were late themselves", np.percentile(above.late, 99), "ms")
    if effort == "short":
        table.tell("p99 at 5 times over p99 at 0.8 times", high / low)
        table.tell("p99 of what is refused", last, "ms")
    else:
        table.at_most("p99 at 5 times over p99 at 0.8 times", high / low, 2)
        table.at_most("p99 of what is refused", last, 50, "ms")
