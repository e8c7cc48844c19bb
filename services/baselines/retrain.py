"""TrainConcepts: concepts are trained by the views they have now, alone or together."""

import asyncio
from collections.abc import Sequence

from kith.errors import Refused
from memory_db import Concept
from services.assistant.memory import positive_views
from services.baselines import kept
from services.baselines.asking import (
    Brought,
    asked_before,
    job_id,
    keep,
    misfit,
    new_job,
    request_reused,
)
from services.baselines.jobs import Job
from services.baselines.pipeline import Asker


async def train(asker: Asker, concept_ids: Sequence[str], request_id: str) -> Job:
    """Puts a training of concepts into the queue.

    One that is there already and is the same is given back. One of several together takes the place
    of those that are about some of them.

    Raises:
        NotFound: There is no such concept.
        InvalidInput: `request_id` has begun another training.
        Refused: A concept has too few or too many views, or is being trained otherwise; there are
            no negatives; another process trains there.
        Overloaded: Too many trainings wait.
    """
    trainings = asker.assistant.trainings
    concepts = [await asyncio.to_thread(asker.store.get, one) for one in concept_ids]
    wanted = job_id(asker, "train", request_id)
    if again := await asked_before(asker, wanted):
        if again.concepts != tuple(concept_ids):
            raise request_reused("another training")
        return again
    job = new_job(asker, wanted, concepts, remembers=False)
    running = [one for c in concepts if (one := trainings.open_with(asker.user, c.id))]
    for one in running:
        if (one.concepts, one.views) == (job.concepts, job.views):
            return one
        if not (asker.assistant.known.method.joint and set(one.concepts) < set(job.concepts)):
            raise _otherwise(one)
    for concept in concepts:
        _require_fitting(asker, concept)
    place = asker.assistant.known.place(asker.user)
    if not any(kept.has_negatives(place, one) for one in concept_ids):
        await asker.assistant.gathering.require_negatives()
    for one in running:
        await trainings.cancel(asker.user, one.id)
    with trainings.room(asker.user):
        for concept in concepts:
            await keep(asker, concept, Brought(), ())
        await trainings.submit(job)
    for concept_id in concept_ids:
        await trainings.announce(asker.user, concept_id)
    return job


def _require_fitting(asker: Asker, concept: Concept) -> None:
    count = len(positive_views(concept))
    if why := misfit(asker, count):
        raise Refused(
            f"concepts: <{concept.name}> has {count} views, {why}",
            reason="POSITIVES_COUNT",
            field="concepts",
        )


def _otherwise(running: Job) -> Refused:
    return Refused(
        f"concepts: one of them is being trained as operations/{running.id}, and not as asked for "
        "now; wait for that, or cancel it",
        reason="TRAINING_RUNNING",
        field="concepts",
        metadata={"operation": f"operations/{running.id}"},
    )
