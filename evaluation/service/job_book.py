"""The jobs of `RunEvaluation`, for the standard service of operations."""

import asyncio
from typing import Final

from google.longrunning import operations_pb2

from evaluation.service.books import Books
from evaluation.service.place import Place
from services.runtime.jobs import State
from services.runtime.operations import LOOK_EVERY_S
from services.runtime.pages import Page, page

MOST: Final = 4
"""Operations on a page: a large report has half a megabyte of figures, and a caller that says
nothing takes 4 MiB."""


class ReportJobs:
    """See `services.runtime.operations.JobBook`."""

    def __init__(self, books: Books) -> None:
        self._books = books

    async def ids(self, page_size: int, page_token: str) -> Page:
        """By id, few on a page: each comes with all figures of its report."""
        found = await asyncio.to_thread(self._books.place().job_ids)
        return page(found, min(page_size, MOST) or MOST, page_token)

    async def find(self, job_id: str) -> operations_pb2.Operation:
        """As the report stands."""
        return await asyncio.to_thread(self._find, self._books.place(), job_id)

    async def cancel(self, job_id: str) -> None:
        """After the questions that are under way."""
        await asyncio.to_thread(self._cancel, self._books.place(), job_id)

    async def delete(self, job_id: str) -> None:
        """The report stays."""
        await asyncio.to_thread(self._books.place().delete_job, job_id)

    async def changed(self) -> None:
        """Another process may be at work on it: files are looked at."""
        await asyncio.sleep(LOOK_EVERY_S)

    def _find(self, place: Place, job_id: str) -> operations_pb2.Operation:
        return self._books.operation(place, place.job(job_id))

    def _cancel(self, place: Place, job_id: str) -> None:
        job = place.job(job_id)
        if job.state is State.OPEN:
            self._books.workshop.cancel(job)
