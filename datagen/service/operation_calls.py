"""The standard service of operations, for those that `MakeDataset` returns."""
# ruff: noqa: N802, D102  (google.longrunning.Operations names the calls and describes them)

import asyncio
import time
from pathlib import Path
from typing import Any, Final

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from datagen.service.books import Books
from datagen.service.jobs import State, job_ids, read_job
from datagen.service.pages import page
from datagen.service.place import Place
from kith.errors import InvalidInput, NotFound, Refused
from services.runtime.hop import is_stopping, time_for

Context = grpc.aio.ServicerContext[Any, Any]

_INTERVAL_S: Final = 0.2
"""How often an operation that is waited for is looked at."""


class OperationCalls(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    """Operations of whoever asks; another's are not there."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        place = self._books.place()
        return await asyncio.to_thread(self._books.operation, place, _id(request.name))

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
        return await asyncio.to_thread(self._list, self._books.place(), request)

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> Empty:
        await asyncio.to_thread(self._cancel, self._books.place(), _id(request.name))
        return Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> Empty:
        await asyncio.to_thread(_delete, self._books.place(), _id(request.name))
        return Empty()

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        place, job_id = self._books.place(), _id(request.name)
        wanted = request.timeout.ToNanoseconds() / 1e9 if request.HasField("timeout") else None
        patience = time_for(wanted)
        until = None if patience is None else time.monotonic() + patience
        while True:
            told = await asyncio.to_thread(self._books.operation, place, job_id)
            late = until is not None and time.monotonic() + _INTERVAL_S > until
            if told.done or late or is_stopping():
                return told
            await asyncio.sleep(_INTERVAL_S)

    def _list(
        self, place: Place, request: operations_pb2.ListOperationsRequest
    ) -> operations_pb2.ListOperationsResponse:
        found = page(job_ids(place), request.page_size, request.page_token)
        return operations_pb2.ListOperationsResponse(
            operations=[self._books.operation(place, job_id) for job_id in found.ids],
            next_page_token=found.next_page_token,
        )

    def _cancel(self, place: Place, job_id: str) -> None:
        job = read_job(place, job_id)
        if job.state is State.OPEN:
            self._books.workshop.cancel(job)


def _delete(place: Place, job_id: str) -> None:
    with place.locked():
        if read_job(place, job_id).state is State.OPEN:
            raise Refused(
                f"name: operations/{job_id} is not over; cancel it first",
                reason="OPERATION_RUNNING",
                field="name",
            )
        for suffix in (".json", ".cancel"):
            Path(place.jobs / job_id).with_suffix(suffix).unlink(missing_ok=True)


def _id(name: str) -> str:
    """The id in `operations/{id}`; of no other form is a file's name made."""
    collection, _, job_id = name.partition("/")
    if collection != "operations" or not job_id.replace("-", "").isalnum():
        raise NotFound(
            f"there is no operation {name[:80]!r}; they are named as in operations/ID",
            reason="RESOURCE_NOT_FOUND",
        )
    return job_id
