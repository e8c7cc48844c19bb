"""The jobs of `MakeDataset`, for the standard service of operations."""

import asyncio

from google.longrunning import operations_pb2

from datagen.service.books import Books
from datagen.service.jobs import State, cancel_mark, job_ids, read_job
from datagen.service.place import Place
from services.runtime.operations import LOOK_EVERY_S
from services.runtime.pages import Page, page


class DatasetJobs:
    """See `services.runtime.operations.JobBook`."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def ids(self, page_size: int, page_token: str) -> Page:
        """By id."""
        found = await asyncio.to_thread(job_ids, self._books.place())
        return page(found, page_size, page_token)

    async def find(self, job_id: str) -> operations_pb2.Operation:
        """As the dataset stands."""
        return await asyncio.to_thread(self._books.operation, self._books.place(), job_id)

    async def cancel(self, job_id: str) -> None:
        """After the picture in hand, if it is drawn."""
        await asyncio.to_thread(self._cancel, self._books.place(), job_id)

    async def delete(self, job_id: str) -> None:
        """The dataset stays."""
        await asyncio.to_thread(_delete, self._books.place(), job_id)

    async def changed(self) -> None:
        """Another process may be at work on it: files are looked at."""
        await asyncio.sleep(LOOK_EVERY_S)

    def _cancel(self, place: Place, job_id: str) -> None:
        job = read_job(place, job_id)
        if job.state is State.OPEN:
            self._books.workshop.cancel(job)


def _delete(place: Place, job_id: str) -> None:
    with place.locked():
        cancel_mark(place, read_job(place, job_id)).unlink(missing_ok=True)
        (place.jobs / f"{job_id}.json").unlink(missing_ok=True)
