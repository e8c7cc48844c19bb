"""Carries out a training: its material, its steps on the model's thread, its artefacts."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import replace
from typing import Final, ParamSpec, TypeVar

from kith.errors import Overloaded
from services.assistant.stores import Stores
from services.baselines.artefacts import Artefact
from services.baselines.gathering import Gathering
from services.baselines.jobs import Job, Stand
from services.baselines.known import Known
from services.baselines.learner import Learner
from services.baselines.training import Progress

_AGAIN_S: Final = 0.2
"""After which a full queue in front of the model is tried again."""

P = ParamSpec("P")
T = TypeVar("T")

Steps = Generator[Progress, None, list[Artefact]]

Note = Callable[[Job], Awaitable[None]]
"""Told how far a training is, before its first step and after each. What it raises ends it."""


class Learning:
    """Trains on the one base model of a process. Belongs to one event loop.

    Args:
        known: Where artefacts and checkpoints are kept.
        learner: Gives the base model.
        gathering: Makes the material.
        stores: Everybody's memories.
    """

    def __init__(
        self,
        known: Known,
        learner: Callable[[], Awaitable[Learner]],
        gathering: Gathering,
        stores: Stores,
    ) -> None:
        self._known = known
        self._learner = learner
        self._gathering = gathering
        self._stores = stores

    async def learn(self, job: Job, note: Note) -> None:
        """Trains what is left of a job: all its concepts together, or one after the other.

        Stopped by cancelling it, it goes on from the last checkpoint the next time.

        Raises:
            NotFound: A concept is forgotten, or has none of its views left.
            KithError: As what it needs; Unavailable when that may be there again later.
        """
        left = [one for one in job.concepts if one not in job.learned]
        for part in [left] if self._known.method.joint else [[one] for one in left]:
            job, artefacts = await self._trained(job, part, note)
            for concept_id, artefact in zip(part, artefacts, strict=True):
                await self._save(job, concept_id, artefact)
            job = replace(job, learned=(*job.learned, *part))
            await note(job)

    async def _trained(
        self, job: Job, part: Sequence[str], note: Note
    ) -> tuple[Job, list[Artefact]]:
        """The job as far as it is then, and what was learned of a part of it."""
        await note(job)
        learner, place = await self._learner(), self._known.place(job.user)
        store = await self._stores.of(job.user)
        material = await self._gathering.gather(place, store, job, part)
        steps = learner.method.train(learner.models, material, place.job(job.id) / part[0])
        try:
            while True:
                step = await _patiently(learner, _next, steps)
                if isinstance(step, list):
                    return job, step
                job = replace(job, stand=_stand(job, part, step))
                await note(job)
        finally:
            await _patiently(learner, steps.close)

    async def _save(self, job: Job, concept_id: str, artefact: Artefact) -> None:
        """Writes down what was learned, of a concept that is still there."""
        store = await self._stores.of(job.user)
        await asyncio.to_thread(store.get, concept_id)
        views = job.views[concept_id]
        await asyncio.to_thread(self._known.save, job.user, concept_id, artefact, views)


def _stand(job: Job, part: Sequence[str], step: Progress) -> Stand:
    """How far a job is after a step of a part of it."""
    done, parts = len(job.learned) // len(part), len(job.concepts) // len(part)
    epochs = done * step.of + step.epochs
    return Stand(epochs, parts * step.of, step.loss, (done + step.share) / parts)


async def _patiently(learner: Learner, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs something on the model's thread, as soon as there is a place in front of it."""
    while True:
        try:
            return await learner.run(fn, *args, **kwargs)
        except Overloaded:
            await asyncio.sleep(_AGAIN_S)


def _next(steps: Steps) -> Progress | list[Artefact]:
    """The next step, or what came of all: a StopIteration can't leave a thread."""
    try:
        return next(steps)
    except StopIteration as end:
        artefacts: list[Artefact] = end.value
        return artefacts
