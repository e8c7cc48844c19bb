"""Carries evaluations out: plans them, asks the assistants, writes the report."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from evaluation import report
from evaluation.gathering import gather
from evaluation.plan import Settings, plan
from evaluation.run import Progress, run
from evaluation.service.place import DISTRACTORS, OUTSIDE, OUTSIDE_MULTI, Place
from evaluation.service.settings import EvaluationSettings
from evaluation.service.wishes import Wish
from evaluation.suiting import Profile, suited
from evaluation.systems.assistant import Remote, behind
from evaluation.systems.system import Opening, System
from kith.errors import KithError, NotFound, Unavailable
from services.runtime.jobs import Job, State
from services.runtime.workshop import Verdict


class Measuring:
    """Measures assistants that listen elsewhere.

    Args:
        settings: Where they do, and where everything lies.
    """

    def __init__(self, settings: EvaluationSettings) -> None:
        self._root = settings.evaluation_dir
        self._systems: dict[str, Opening] = {
            name: partial(_reached, name, settings) for name in settings.evaluation_methods
        }
        self._at_work: tuple[str, str] | None = None
        self._seconds_each: float | None = None

    def planned(self, place: Place, wish: Wish) -> int:
        """How many questions a wish comes to. Asks the methods what they can do, and nothing else.

        Raises:
            InvalidInput: The datasets or the settings can't be used.
            NotFound: There is no such method or dataset.
            Unavailable: A method can't be reached.
        """
        for name in wish.methods:
            if name not in self._systems:
                raise NotFound(
                    f"methods: there is none named {name[:80]!r}; give some of "
                    f"{', '.join(self._systems) or 'those that its operator has yet to name'}",
                    reason="METHOD_UNKNOWN",
                    field="methods",
                )
        try:
            planned = plan(self._settings_of(place, wish))
            profiles = [self._profile(name) for name in wish.methods]
        except KithError as error:
            raise place.as_called(error) from error
        return sum(
            len(samples)
            for profile in profiles
            for samples in suited(profile, planned.of(profile), wish.memory_sizes).samples.values()
        )

    def carry_out(self, job: Job, verdict: Verdict) -> State:
        """Ask what a job has to ask, and write the report; see `services.runtime.workshop`."""
        place = Place(self._root, job.user)
        ordered = place.reports.read(job.about)
        out = place.out(job.about)
        settings = self._settings_of(place, ordered.wish, (job.index, job.of))
        self._at_work, self._seconds_each = (job.user, job.about), None
        try:
            run(settings, out, self._systems, self._watch(verdict))
            state = State.DONE
        except _Stopped as stopped:
            state = stopped.state
            if state is State.CANCELLED and out.exists():
                gather(plan(settings), out)
        except KithError as error:
            raise place.as_called(error) from error
        finally:
            self._at_work = None
        if state is not State.OPEN:
            report.write(out)
        return state

    def seconds_each(self, user: str, report_id: str) -> float | None:
        """How long a question takes of the evaluation at work here; None for another."""
        return self._seconds_each if self._at_work == (user, report_id) else None

    def _watch(self, verdict: Verdict) -> Callable[[Progress], None]:
        """Takes the time, and ends the run once it is not to go on."""
        asked, spent = 0, 0.0
        last: Progress | None = None
        since = 0.0

        def watch(progress: Progress) -> None:
            nonlocal asked, spent, last, since
            now = time.monotonic()
            # Between two things nothing is asked, and what was answered earlier is counted in.
            if last and last.doing == progress.doing:
                asked, spent = asked + progress.done - last.done, spent + now - since
            last, since = progress, now
            if asked:
                self._seconds_each = spent / asked
            state = verdict()
            if state is not State.DONE:
                raise _Stopped(state)

        return watch

    def _settings_of(self, place: Place, wish: Wish, shard: tuple[int, int] = (0, 1)) -> Settings:
        return Settings(
            methods=wish.methods,
            datasets=tuple(place.dataset(name) for name in wish.datasets),
            outside=self._beside(OUTSIDE),
            outside_multi=self._beside(OUTSIDE_MULTI),
            distractors=self._beside(DISTRACTORS),
            tasks=wish.tasks,
            controls=wish.controls,
            memory_sizes=wish.memory_sizes,
            quick=wish.quick,
            seed=wish.seed,
            shard=shard,
        )

    def _beside(self, name: str) -> Path | None:
        folder = self._root / "datasets" / name
        return folder if folder.is_dir() else None

    def _profile(self, name: str) -> Profile:
        with self._systems[name]() as system:
            return Profile.of(system)


@contextmanager
def _reached(name: str, settings: EvaluationSettings) -> Iterator[System]:
    """A method's assistant; that it can't be reached, its user is told without its address."""
    token = settings.evaluation_token
    remote = Remote(
        settings.evaluation_methods[name],
        token.get_secret_value() if token else None,
        settings.tls_ca,
        settings.tls_cert,
        settings.tls_key,
    )
    try:
        with behind(remote, settings.evaluation_dir / "memories" / name) as system:
            yield system
    except Unavailable as error:
        raise Unavailable(
            f"methods: {name} can't be reached; ask for the same again later, and it goes on",
            reason="METHOD_UNREACHABLE",
            field="methods",
        ) from error


class _Stopped(Exception):  # noqa: N818 - it is no error
    """Ends a run that is not to go on."""

    def __init__(self, state: State) -> None:
        self.state = state
