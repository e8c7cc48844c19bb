"""The standard service of operations, over jobs in memory: names, pages, the wait, the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, NamedTuple

import pytest
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import code_pb2

from kith.errors import InvalidInput, NotFound, Refused
from services.runtime.calls import calling, open_channel
from services.runtime.identity import current_user
from services.runtime.operations import LOOK_EVERY_S, missing, operations_of
from services.runtime.pages import Page, page
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.runtime.serving import served

RUNNING, DONE, CANCELLED = range(3)
MINE = (("kith-user", "ann"),)
BAD_NAMES = ("operations/../../x", "operations/", "operations/.lock", "jobs/1", "1")


class Jobs:
    """A book in memory: jobs by user and id."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, int]] = {"ann": {}}
        self.waited = asyncio.Event()
        """Set once somebody waits for a job."""
        self._more = asyncio.Event()

    def end(self, job_id: str, state: int = DONE) -> None:
        self.of["ann"][job_id] = state
        self._more.set()

    async def ids(self, page_size: int, page_token: str) -> Page:
        return page(sorted(self._mine), page_size, page_token)

    async def find(self, job_id: str) -> operations_pb2.Operation:
        if job_id not in self._mine:
            raise missing(job_id)
        state = self._mine[job_id]
        told = operations_pb2.Operation(name=f"operations/{job_id}", done=state != RUNNING)
        if state == CANCELLED:
            told.error.code = code_pb2.CANCELLED
        return told

    async def cancel(self, job_id: str) -> None:
        if not (await self.find(job_id)).done:
            self.end(job_id, CANCELLED)

    async def delete(self, job_id: str) -> None:
        del self._mine[job_id]

    async def changed(self) -> None:
        self.waited.set()
        self._more.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._more.wait(), LOOK_EVERY_S)

    @property
    def _mine(self) -> dict[str, int]:
        return self.of.get(current_user(), {})


class Served(NamedTuple):
    """A book, and a way to ask about it as ann."""

    jobs: Jobs
    stub: operations_pb2_grpc.OperationsStub

    async def ask(self, call: str, metadata: Sequence[Any] = MINE, **request: Any) -> Any:  # noqa: ANN401 - of any call
        make = getattr(operations_pb2, f"{call}OperationRequest", None)
        rpc = f"{call}Operation" if make else call
        make = make or getattr(operations_pb2, f"{call}Request")
        with calling("operations"):
            return await getattr(self.stub, rpc)(make(**request), metadata=metadata, timeout=10)


@pytest.fixture
async def service() -> AsyncIterator[Served]:
    jobs = Jobs()
    async with served(operations_of(jobs)) as channel:
        yield Served(jobs, operations_pb2_grpc.OperationsStub(channel))


async def test_pages_hold_each_job_once_though_some_are_deleted_meanwhile(service: Served) -> None:
    service.jobs.of["ann"] = dict.fromkeys("abcde", DONE)
    found: list[str] = []
    token = ""
    while len(found) < 5:
        listed = await service.ask(
            "ListOperations", name="operations", page_size=2, page_token=token
        )
        found += [one.name for one in listed.operations]
        for one in listed.operations:
            await service.ask("Delete", name=one.name)
        token = listed.next_page_token
    assert (found, token) == ([f"operations/{job}" for job in "abcde"], "")
    assert not service.jobs.of["ann"]


async def test_what_is_deleted_while_operations_are_listed_is_left_out(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.jobs.of["ann"] = dict.fromkeys("abc", DONE)
    ids = service.jobs.ids

    async def as_one_goes(page_size: int, page_token: str) -> Page:
        found = await ids(page_size, page_token)
        await service.jobs.delete("b")
        return found

    monkeypatch.setattr(service.jobs, "ids", as_one_goes)
    listed = await service.ask("ListOperations", name="operations")
    assert [one.name for one in listed.operations] == ["operations/a", "operations/c"]


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"page_size": -1}, "PAGE_SIZE_INVALID"),
        ({"page_token": "../x"}, "PAGE_TOKEN_INVALID"),
        ({"filter": "done"}, "FILTER_UNKNOWN"),
    ],
)
async def test_a_list_that_can_not_be_is_refused_by_its_field(
    service: Served, wrong: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await service.ask("ListOperations", name="operations", **wrong)
    assert (refused.value.reason, refused.value.field) == (reason, *wrong)
    with pytest.raises(NotFound, match="list those of 'operations'"):
        await service.ask("ListOperations", name="users/me")


@pytest.mark.parametrize("name", [*BAD_NAMES, "operations/unknown"])
async def test_what_is_no_operation_is_not_there(service: Served, name: str) -> None:
    for call in ("Get", "Cancel", "Delete", "Wait"):
        with pytest.raises(NotFound):
            await service.ask(call, name=name)


async def test_what_is_not_over_is_cancelled_before_it_is_deleted(service: Served) -> None:
    service.jobs.of["ann"]["a"] = RUNNING
    with pytest.raises(Refused, match="operations/a is not over; cancel it first") as refused:
        await service.ask("Delete", name="operations/a")
    assert refused.value.reason == "OPERATION_RUNNING"
    await service.ask("Cancel", name="operations/a")
    told = await service.ask("Get", name="operations/a")
    assert (told.done, told.error.code) == (True, code_pb2.CANCELLED)
    await service.ask("Delete", name="operations/a")
    with pytest.raises(NotFound, match="no operations/a of yours"):
        await service.ask("Get", name="operations/a")


async def test_a_wait_ends_with_the_job_or_with_the_patience(service: Served) -> None:
    service.jobs.of["ann"]["a"] = RUNNING
    begun = time.monotonic()
    waited = await service.ask("Wait", name="operations/a", timeout=Duration(nanos=500_000_000))
    assert not waited.done
    assert 0.2 < time.monotonic() - begun < 5
    service.jobs.waited.clear()
    waiting = asyncio.create_task(service.ask("Wait", name="operations/a"))
    await service.jobs.waited.wait()
    service.jobs.end("a")
    assert (await asyncio.wait_for(waiting, 5)).done


async def test_a_wait_ends_when_the_server_stops() -> None:
    jobs = Jobs()
    jobs.of["ann"]["a"] = RUNNING
    async with AsyncExitStack() as held:
        async with Server(ServerSettings(port=0, grace_s=30), [operations_of(jobs)]) as server:
            channel = await held.enter_async_context(open_channel(f"127.0.0.1:{server.port}"))
            ann = Served(jobs, operations_pb2_grpc.OperationsStub(channel))
            waiting = asyncio.create_task(ann.ask("Wait", name="operations/a"))
            await jobs.waited.wait()
        assert not (await asyncio.wait_for(waiting, 5)).done


async def test_another_users_jobs_are_not_there(service: Served) -> None:
    service.jobs.of["ann"]["a"] = RUNNING
    bob = (("kith-user", "bob"),)
    for call in ("Get", "Cancel", "Delete", "Wait"):
        with pytest.raises(NotFound):
            await service.ask(call, bob, name="operations/a")
    assert not (await service.ask("ListOperations", bob, name="operations")).operations
    assert service.jobs.of["ann"] == {"a": RUNNING}
