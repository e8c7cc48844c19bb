"""The trainings of `Remember` and `TrainConcepts`, for the standard service of operations."""

import asyncio

from google.longrunning import operations_pb2

from services.baselines import jobs
from services.baselines.pipeline import TrainedAssistant
from services.runtime.identity import current_user
from services.runtime.operations import LOOK_EVERY_S
from services.runtime.pages import Page, page


class TrainingJobs:
    """See `services.runtime.operations.JobBook`."""

    def __init__(self, assistant: TrainedAssistant) -> None:
        self._assistant = assistant

    async def ids(self, page_size: int, page_token: str) -> Page:
        """The oldest first."""
        place = self._assistant.known.place(current_user())
        found = await asyncio.to_thread(jobs.all_jobs, place)
        mine = [job for job in found if job.method == self._assistant.method.name]
        by_age = {f"{job.created * 1e6:016.0f}-{job.id}": job.id for job in mine}
        keys, next_page_token = page(sorted(by_age), page_size, page_token)
        return Page([by_age[key] for key in keys], next_page_token)

    async def find(self, job_id: str) -> operations_pb2.Operation:
        """As far as it is."""
        job = await self._assistant.trainings.get(current_user(), job_id)
        caller = await self._assistant.caller("users/me")
        return await self._assistant.teller(caller).operation(job)

    async def cancel(self, job_id: str) -> None:
        """After the step in hand, if it runs."""
        await self._assistant.trainings.cancel(current_user(), job_id)

    async def delete(self, job_id: str) -> None:
        """What was learned stays."""
        place = self._assistant.known.place(current_user())
        await asyncio.to_thread(jobs.delete, place, job_id)

    async def changed(self) -> None:
        """Begins with what is open, unless it has begun.

        Raises:
            Refused: Another process trains there.
        """
        self._assistant.trainings.start()
        await asyncio.sleep(LOOK_EVERY_S)
