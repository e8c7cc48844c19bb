"""Jobs that lie among their users' things, for the standard service of operations."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from google.longrunning import operations_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, status_pb2

from kith.errors import from_status
from kith.status import to_status
from services.runtime.jobs import Job, State
from services.runtime.operations import LOOK_EVERY_S
from services.runtime.pages import LARGEST, Page, page
from services.runtime.user_folder import UserFolder
from services.runtime.workshop import Workshop

P = TypeVar("P", bound=UserFolder)


class FolderJobs(Generic[P]):
    """See `services.runtime.operations.JobBook`.

    Args:
        workshop: Carries them out.
        place: The things of whoever asks.
        tell: A job as an operation; see `operation`.
        most: Operations on a page.
    """

    def __init__(
        self,
        workshop: Workshop,
        place: Callable[[], P],
        tell: Callable[[P, Job], operations_pb2.Operation],
        most: int = LARGEST,
    ) -> None:
        self._workshop = workshop
        self._place = place
        self._tell = tell
        self._most = most

    async def ids(self, page_size: int, page_token: str) -> Page:
        """By id."""
        found = await asyncio.to_thread(self._place().job_ids)
        return page(found, page_size, page_token, self._most)

    async def find(self, job_id: str) -> operations_pb2.Operation:
        """As what it makes stands."""
        return await asyncio.to_thread(self._find, self._place(), job_id)

    async def cancel(self, job_id: str) -> None:
        """After the step in hand, if it is at work."""
        await asyncio.to_thread(self._cancel, self._place(), job_id)

    async def delete(self, job_id: str) -> None:
        """What it made stays."""
        await asyncio.to_thread(self._place().delete_job, job_id)

    async def changed(self) -> None:
        """Another process may be at work on it: files are looked at."""
        await asyncio.sleep(LOOK_EVERY_S)

    def _find(self, place: P, job_id: str) -> operations_pb2.Operation:
        return self._tell(place, place.job(job_id))

    def _cancel(self, place: P, job_id: str) -> None:
        job = place.job(job_id)
        if job.state is State.OPEN:
            self._workshop.cancel(job)


def operation(job: Job, call: str, made: Message, how_far: Message) -> operations_pb2.Operation:
    """A job as the standard service of operations tells of it.

    Args:
        job: How it is.
        call: What starts such jobs, as in "MakeDataset".
        made: What comes of it, told once it is done.
        how_far: Told at any time.
    """
    told = operations_pb2.Operation(name=f"operations/{job.id}", done=job.state is not State.OPEN)
    told.metadata.Pack(how_far)
    if job.state is State.DONE:
        told.response.Pack(made)
    elif job.state is State.CANCELLED:
        said = f"cancelled; what is done is kept, and the same {call} goes on from there"
        told.error.CopyFrom(status_pb2.Status(code=code_pb2.CANCELLED, message=said))
    elif why := job.failure:
        error = from_status(why.status)(why.message, reason=why.reason, field=why.field)
        told.error.CopyFrom(to_status(error))
    return told
