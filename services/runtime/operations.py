"""The standard service of operations, over the jobs of whichever service starts some."""
# ruff: noqa: N802  (google.longrunning.Operations names the calls)

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, Final, Protocol

import grpc
from google.longrunning import operations_pb2, operations_pb2_grpc
from google.protobuf.empty_pb2 import Empty

from kith.errors import InvalidInput, NotFound, Refused
from services.runtime.hop import is_stopping, time_for
from services.runtime.pages import Page
from services.runtime.server import Service

Context = grpc.aio.ServicerContext[Any, Any]

OPERATIONS: Final = operations_pb2.DESCRIPTOR.services_by_name["Operations"]

LOOK_EVERY_S: Final = 0.2
"""How often a job that is waited for is looked at."""


class JobBook(Protocol):
    """The jobs of a service, as the user of the call being served sees them.

    Another user's are not there. Ids are letters, digits and hyphens, as in `operations/{id}`.
    """

    async def ids(self, page_size: int, page_token: str) -> Page:
        """A page of the ids of all jobs, as `services.runtime.pages.page` makes it.

        Raises:
            InvalidInput: There is no such page.
        """

    async def find(self, job_id: str) -> operations_pb2.Operation:
        """A job as it is now.

        Raises:
            NotFound: As `missing` says.
        """

    async def cancel(self, job_id: str) -> None:
        """Ends a job, at once or soon; one that is over stays as it is.

        Raises:
            NotFound: As `missing` says.
        """

    async def delete(self, job_id: str) -> None:
        """Forgets a job that is over."""

    async def changed(self) -> None:
        """Returns once a job may be other than it was, after `LOOK_EVERY_S` at the latest."""


def operations_of(book: JobBook) -> Service:
    """The service, ready to be served."""
    return Service(OPERATIONS, operations_pb2_grpc.add_OperationsServicer_to_server, _Calls(book))


def missing(job_id: str) -> NotFound:
    """What is said of a job that is not there."""
    return NotFound(
        f"there is no operations/{job_id[:80]} of yours; list yours to see which there are",
        reason="RESOURCE_NOT_FOUND",
    )


class _Calls(operations_pb2_grpc.OperationsServicer):  # type: ignore[misc]
    def __init__(self, book: JobBook) -> None:
        self._book = book

    async def GetOperation(
        self, request: operations_pb2.GetOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        return await self._book.find(_id(request.name))

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
        page = await self._book.ids(request.page_size, request.page_token)
        return operations_pb2.ListOperationsResponse(
            operations=[one async for one in self._still_there(page.keys)],
            next_page_token=page.next_page_token,
        )

    async def CancelOperation(
        self, request: operations_pb2.CancelOperationRequest, context: Context
    ) -> Empty:
        await self._book.cancel(_id(request.name))
        return Empty()

    async def DeleteOperation(
        self, request: operations_pb2.DeleteOperationRequest, context: Context
    ) -> Empty:
        job_id = _id(request.name)
        if not (await self._book.find(job_id)).done:
            raise Refused(
                f"name: operations/{job_id} is not over; cancel it first",
                reason="OPERATION_RUNNING",
                field="name",
            )
        await self._book.delete(job_id)
        return Empty()

    async def WaitOperation(
        self, request: operations_pb2.WaitOperationRequest, context: Context
    ) -> operations_pb2.Operation:
        job_id = _id(request.name)
        wanted = request.timeout.ToNanoseconds() / 1e9 if request.HasField("timeout") else None
        patience = time_for(wanted)
        until = None if patience is None else time.monotonic() + patience
        while True:
            found = await self._book.find(job_id)
            late = until is not None and time.monotonic() + LOOK_EVERY_S > until
            if found.done or late or is_stopping():
                return found
            await self._book.changed()

    async def _still_there(self, job_ids: Iterable[str]) -> AsyncIterator[operations_pb2.Operation]:
        """As `services.runtime.pages.still_there`: all but those that are deleted meanwhile."""
        for job_id in job_ids:
            with suppress(NotFound):
                yield await self._book.find(job_id)


def _id(name: str) -> str:
    """The id in `operations/{id}`; of no other form is a file's name made."""
    collection, _, job_id = name.partition("/")
    if collection != "operations" or not job_id.replace("-", "").isalnum():
        raise NotFound(
            f"there is no operation {name[:80]!r}; they are named as in operations/ID",
            reason="RESOURCE_NOT_FOUND",
        )
    return job_id
