"""How fast trainings go, to tell how long they will take."""

import time

from services.baselines.jobs import Job


class Pace:
    """Watches the training that runs; those that wait are taken to be like the last one seen."""

    def __init__(self) -> None:
        self.of = ""
        """Id of the training that runs; empty when none does."""
        self._first: tuple[float, float] | None = None
        """When its first step was done, and its share by then."""
        self._share = 0.0
        self._whole_s: float | None = None

    def begin(self, job: Job) -> None:
        """This training runs now."""
        self.of, self._first, self._share = job.id, None, job.stand.share

    def step(self, share: float) -> None:
        """So much of it is done, 0 to 1."""
        now = time.monotonic()
        self._first = self._first or (now, share)
        self._share = share
        since, before = self._first
        if share > before:
            self._whole_s = (now - since) / (share - before)

    def end(self) -> None:
        """It is over."""
        self.of = ""

    def left_s(self, job: Job) -> float | None:
        """How long a training takes from where it is; None while nothing is known."""
        if self._whole_s is None:
            return None
        done = self._share if job.id == self.of else job.stand.share
        return (1 - done) * self._whole_s
