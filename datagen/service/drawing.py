"""Carries orders out: draws what is missing of a dataset, and seals it once nothing is."""

import time
from contextlib import closing
from pathlib import Path

from datagen import making
from datagen.service.orders import order_of
from datagen.service.place import Place
from kith.errors import KithError
from services.runtime.jobs import Job, State
from services.runtime.workshop import Verdict


class Drawing:
    """Draws with the engine that a dataset is ordered of.

    Args:
        root: Folder of everybody's things.
        models: Folder of MS-Diffusion's models, if there are any.
    """

    def __init__(self, root: Path, models: Path | None) -> None:
        self._root = root
        self.models = models
        # One value, so that callers on other threads never see half of it.
        self._pace: tuple[str, str, float] | None = None

    def carry_out(self, job: Job, verdict: Verdict) -> State:
        """Draw a job's share; see `services.runtime.workshop`. The picture in hand is finished."""
        place = Place(self._root, job.user)
        try:
            return self._draw(place, job, verdict)
        except KithError as error:
            raise place.as_called(error, self.models) from error
        finally:
            self._pace = None

    def seconds_each(self, user: str, dataset_id: str) -> float | None:
        """How long a picture takes of the dataset that is drawn here now; None for another."""
        pace = self._pace
        return pace[2] if pace and pace[:2] == (user, dataset_id) else None

    def _draw(self, place: Place, job: Job, verdict: Verdict) -> State:
        wish = place.datasets.read(job.about).wish
        commission = making.accept(order_of(place, job.about, wish, self.models))
        first: tuple[int, float] | None = None
        with closing(making.make(commission, job.index, job.of)) as steps:
            for step in steps:
                first = first or (step.done, time.monotonic())
                if step.done > first[0]:
                    each = (time.monotonic() - first[1]) / (step.done - first[0])
                    self._pace = job.user, job.about, each
                state = verdict()
                # What is cancelled at its last picture is done.
                if state is State.OPEN or (state is State.CANCELLED and step.done < step.wanted):
                    return state
        if not making.missing(commission):
            commission.dataset.finish(commission.plan, commission.layout)
        return State.DONE
