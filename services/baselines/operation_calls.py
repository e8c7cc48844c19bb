"""The standard service of operations, for the trainings of `Remember` and `TrainConcepts`."""
# ruff: noqa: N802, D102  (google.longrunning.Operations names the calls and describes them)

import asyncio
import time
from typing import Any, Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from kith.errors import InvalidInput, NotFound, Refused
from services.assistant.pipeline import Caller
from services.baselines import jobs
from services.baselines.jobs import Job, State
from services.baselines.operations import Teller
from services.baselines.pipeline import TrainedAssistant
from services.runtime.hop import is_stopping, time_for
from services.runtime.identity import current_user

Context = grpc.aio.ServicerContext[Any, Any]

_INTERVAL_S: Final = 0.2
"""How often an operation that is waited for is looked at."""


class OperationCalls(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Trainings of whoever asks; another's are not there."""

    def __init__(self, assistant: TrainedAssistant) -> None:
        self._assistant = assistant

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        return await (await self._teller()).operation(await self._job(request.name))

    async def ListOperations(
        self, request: operations_pb2.ListOperationsRequest, context: Context
    ) -> operations_pb2.ListOperationsResponse:
        if request.name != "operations":
            raise NotFound(
                f"name: {request.name[:80]!r} has none; list those of 'operations'",
                reason="RESOURCE_NOT_FOUND",
            )
        if request.filter:
            raise InvalidInput(
                "filter: it is not known here; leave it out",
                reason="FILTER_UNKNOWN",
                field="filter",
            )
        teller = await self._teller()
        place = self._assistant.known.place(current_user())
        found = await asyncio.to_thread(jobs.all_jobs, place)
        mine = [job for job in found if job.method == self._assistant.method.name]
        page, token = _page(mine, request.page_size, request.page_token)
        now = [await self._assistant.trainings.get(current_user(), job.id) for job in page]
        told = [await teller.operation(job) for job in now]
        return operations_pb2.ListOperationsResponse(operations=told, next_page_token=token)

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> Empty:
        await self._assistant.trainings.cancel(current_user(), _id(request.name))
        return Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> Empty:
        job = await self._job(request.name)
        if job.state is State.OPEN:
            raise Refused(
                f"name: operations/{job.id} is not over; cancel it first",
                reason="OPERATION_RUNNING",
                field="name",
            )
        await asyncio.to_thread(jobs.delete, self._assistant.known.place(job.user), job.id)
        return Empty()

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        self._assistant.trainings.start()
        teller = await self._teller()
        wanted = request.timeout.ToNanoseconds() / 1e9 if request.HasField("timeout") else None
        patience = time_for(wanted)
        until = None if patience is None else time.monotonic() + patience
        while True:
            told = await teller.operation(await self._job(request.name))
            late = until is not None and time.monotonic() + _INTERVAL_S > until
            if told.done or late or is_stopping():
                return told
            await asyncio.sleep(_INTERVAL_S)

    async def _job(self, name: str) -> Job:
        return await self._assistant.trainings.get(current_user(), _id(name))

    async def _teller(self) -> Teller:
        caller: Caller = await self._assistant.caller("users/me")
        return self._assistant.teller(caller)


def _page(found: list[Job], size: int, token: str) -> tuple[list[Job], str]:
    """A page of trainings; the token names the one it begins with.

    Raises:
        InvalidInput: The token is none of ours, or the size is none.
    """
    ids = [job.id for job in found]
    if size < 0 or (token and token not in ids):
        field = "page_size" if size < 0 else "page_token"
        raise InvalidInput(
            f"{field}: it can't be used; take the next_page_token of the page before, and a size "
            "from 0 on",
            reason="PAGE_INVALID",
            field=field,
        )
    first = ids.index(token) if token else 0
    end = first + min(size or 100, 1000)
    return found[first:end], ids[end] if end < len(ids) else ""


def _id(name: str) -> str:
    """The id in `operations/{id}`; of no other form is a folder's name made."""
    collection, _, job_id = name.partition("/")
    if collection != "operations" or not job_id.replace("-", "").isalnum():
        raise NotFound(
            f"there is no operation {name[:80]!r}; they are named as in operations/ID",
            reason="OPERATION_NOT_FOUND",
        )
    return job_id
