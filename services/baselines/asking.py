"""What a training needs before it can be asked for, and how it is written down."""

import asyncio
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from kith.errors import InvalidInput, NotFound
from memory_db import Concept, View
from services.assistant.memory import positive_views
from services.baselines import kept
from services.baselines.jobs import Alike, Job
from services.baselines.kept import Given
from services.baselines.pipeline import Asker


@dataclass(frozen=True)
class Brought:
    """What a request brings beside photos and boxes, in the order of the photos."""

    captions: Sequence[str] = ()
    masks: Sequence[Image.Image | None] = ()
    negatives: Sequence[Image.Image] = field(default=(), repr=False)

    def of(self, views: Sequence[View]) -> Given:
        """The same by the views that the photos have become."""
        captions = {v.id: told for v, told in zip(views, self.captions, strict=True) if told}
        masks = {v.id: mask for v, mask in zip(views, self.masks, strict=True) if mask}
        return Given(captions, masks, self.negatives)


async def keep(asker: Asker, concept: Concept, brought: Brought, views: Sequence[View]) -> None:
    """Keeps what came with these views of a concept for its trainings.

    Raises:
        Refused: It can't be written.
    """
    known = asker.assistant.known
    place, given = known.place(asker.user), brought.of(views)
    await asyncio.to_thread(kept.keep, place, concept.id, known.memory, given)


def misfit(asker: Asker, count: int) -> str:
    """What is wrong with so many photos of a concept; empty if it can be learned from them."""
    can = asker.assistant.method.capabilities
    if can.positives_min <= count <= can.positives_max:
        return ""
    wanted = f"{can.method} learns from {can.positives_min} to {can.positives_max}"
    return f"{wanted}; {'add some' if count < can.positives_min else 'leave some out'}"


def job_id(asker: Asker, verb: str, request_id: str) -> str:
    """Of a new training; for a retry of the same request the same."""
    if not request_id:
        return str(uuid.uuid4())
    named = f"{asker.user}/{asker.assistant.method.name}/{verb}"
    return str(uuid.uuid5(uuid.UUID(request_id), named))


async def asked_before(asker: Asker, job: str) -> Job | None:
    """The training of that id, if there is one."""
    try:
        return await asker.assistant.trainings.get(asker.user, job)
    except NotFound:
        return None


def new_job(
    asker: Asker,
    job: str,
    concepts: Sequence[Concept],
    *,
    remembers: bool,
    alike: Sequence[Alike] = (),
) -> Job:
    """A training of concepts by the views they have now."""
    return Job(
        id=job,
        user=asker.user,
        method=asker.assistant.method.name,
        concepts=tuple(concept.id for concept in concepts),
        views={c.id: tuple(view.id for view in positive_views(c)) for c in concepts},
        remembers=remembers,
        created=time.time(),
        alike=tuple(alike),
    )


def request_reused(made: str) -> InvalidInput:
    """What is said of a request id that has made something else."""
    return InvalidInput(
        f"request_id: it has made {made} already; take an id of its own",
        reason="REQUEST_ID_REUSED",
        field="request_id",
    )
