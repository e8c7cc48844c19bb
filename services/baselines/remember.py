"""Remember, for a method that trains: the concept is there at once, and known later."""

import asyncio

from kith.errors import InvalidInput
from memory_db.names import clean_name
from services.assistant.remember import Similar, Wish, check, remember
from services.baselines.asking import (
    Brought,
    asked_before,
    job_id,
    keep,
    misfit,
    new_job,
    request_reused,
)
from services.baselines.jobs import Alike, Job
from services.baselines.pipeline import Asker


async def remember_and_train(asker: Asker, wish: Wish, brought: Brought) -> Job:
    """Remembers a concept and puts its training into the queue.

    Raises:
        AlreadyExists, InvalidInput: As `services.assistant.remember`; or the photos are too few or
            too many.
        Refused: There are no negatives; another process trains there.
        Overloaded: Too many trainings wait.
        NotFound: A retry, and the concept was forgotten since.
    """
    job = job_id(asker, "remember", wish.request_id)
    if again := await asked_before(asker, job):
        made = await asyncio.to_thread(asker.store.get, again.concepts[0])
        if made.name != clean_name(wish.name):
            raise request_reused(f"<{made.name}>")
        return again
    trainings = asker.assistant.trainings
    with trainings.room(asker.user) as room:
        await _require_possible(asker, wish, brought)
        concept, similar = await remember(asker.assistant.stages, asker.store, wish)
        room.concepts.add(concept.id)
        await keep(asker, concept, brought, concept.views[: len(wish.photos)])
        alike = [Alike(one.concept.id, one.concept.name, one.distance) for one in similar]
        return await trainings.submit(new_job(asker, job, [concept], remembers=True, alike=alike))


async def check_wish(asker: Asker, wish: Wish, brought: Brought) -> list[Similar]:
    """The concepts that a wish looks like already; nothing is remembered.

    Raises:
        AlreadyExists, InvalidInput, Refused: As `remember_and_train` would.
    """
    await _require_possible(asker, wish, brought)
    return await check(asker.assistant.stages, asker.store, wish)


async def _require_possible(asker: Asker, wish: Wish, brought: Brought) -> None:
    count = len(wish.photos)
    if why := misfit(asker, count):
        raise InvalidInput(f"views: {count} photos, {why}", reason="POSITIVES_COUNT", field="views")
    if not brought.negatives:
        await asker.assistant.gathering.require_negatives()
