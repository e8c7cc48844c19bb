"""A run: every planned question asked of every method, and the results.

Killed anywhere, the same call goes on: what is answered is not asked again.
"""

import hashlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from evaluation import folder, journal, provenance
from evaluation.controls import Asker
from evaluation.gathering import gather
from evaluation.journal import Journal
from evaluation.plan import Planned, Settings, plan
from evaluation.results import Part, Results
from evaluation.samples import Said, Sample
from evaluation.suiting import Profile, suited
from evaluation.systems.system import Memory, Opening, System
from evaluation.tasks import TASKS
from evaluation.tasks.asking import Asking
from kith.errors import InvalidInput, KithError, Unauthenticated, Unavailable

T = TypeVar("T")

_NOBODY_THERE: Final = ("RPC_UNAVAILABLE", "OPENAI_UNAVAILABLE")
"""Reasons by which the next question would fail as this one did: the run ends."""

__all__ = ["Planned", "Progress", "Settings", "plan", "run"]


class Progress(NamedTuple):
    """How far a run is: this worker's share of it."""

    planned: int
    """Questions; what a method can't be asked is left out once it says so."""
    done: int
    """Of these, answered, now or earlier."""
    failed: int
    """Of these, ended in an error in this run."""
    doing: str
    """What is being done, in words."""
    problem: str = ""
    """The last of these errors."""


def run(
    settings: Settings,
    out: Path,
    systems: Mapping[str, Opening],
    report_progress: Callable[[Progress], None],
) -> Results:
    """Ask all that is not answered yet, and write the results of what is there.

    Args:
        settings: What to ask.
        out: The folder of the run; see `evaluation.results`.
        systems: What each of the methods is started or reached by.
        report_progress: Told how far it is, from this thread. What it raises ends the run; answers
            are kept.

    Raises:
        InvalidInput: A setting or a dataset can't be used, or a method is not among the systems.
        Refused: Another run is in the folder or at work there, or it can't be written.
        Unavailable: A system can't be reached any more.
    """
    for name in settings.methods:
        if name not in systems:
            raise InvalidInput(
                f"methods: nothing is known of {name!r}; give some of {', '.join(systems)}",
                reason="METHOD_UNKNOWN",
                field="methods",
            )
    planned = plan(settings)
    told = planned.told
    with folder.held(out, settings.shard):
        folder.lay_down(out, told, planned.places)
        worker = _Worker(planned, out, report_progress)
        asked = False
        for name in settings.methods:
            if asked:
                gather(planned, out)  # stopped in the next method, there is a report of these
            asked = worker.measure(name, systems[name])
        worker.tell("computing the figures")
        return gather(planned, out)


class _Worker:
    """Asks one share of a plan."""

    def __init__(
        self, planned: Planned, out: Path, report_progress: Callable[[Progress], None]
    ) -> None:
        self._planned = planned
        self._out = out
        self._report = report_progress
        self._settings = planned.settings
        index, of = self._settings.shard
        self._mine = {
            part: [one for one in samples if _shard_of(TASKS[part.task], one, of) == index]
            for part, samples in planned.samples.items()
        }
        everything = sum(map(len, self._mine.values()))
        self._planned_of = dict.fromkeys(self._settings.methods, everything)
        self._done_of = dict.fromkeys(self._settings.methods, 0)
        self._failed = 0
        self._problem = ""

    def tell(self, doing: str) -> None:
        """Report how far it is."""
        planned, done = sum(self._planned_of.values()), sum(self._done_of.values())
        self._report(Progress(planned, done, self._failed, doing, self._problem))

    def measure(self, name: str, opening: Opening) -> bool:
        """Ask one method what it was not asked yet; whether there was anything."""
        known = folder.introduced(self._out).get(name)
        with ExitStack() as stack:
            left = None
            if known is not None:  # then nothing is started for nothing
                left = stack.enter_context(self._share(name, Profile.read(known)))
                if not left:
                    return False
            self.tell(f"{name}: starting")
            system = stack.enter_context(opening())
            form = Profile.of(system).form()
            profile = Profile.read(folder.introduce(self._out, name, form, provenance.revision()))
            if left is None:
                left = stack.enter_context(self._share(name, profile))
            for memory, parts in _by_memory(self._planned, left):
                self._ask_with(name, system, profile, memory, parts)
        return bool(left)

    @contextmanager
    def _share(self, name: str, profile: Profile) -> Iterator[Mapping[Part, Sequence[Sample]]]:
        """What this worker is to ask; of a method that trains all, or nothing if another does."""
        if not profile.can.training:
            yield self._left(name, profile)
            return
        with folder.taken(self._out, name, self._settings.shard) as is_mine:
            if is_mine:
                yield self._left(name, profile)
            else:
                self._planned_of[name] = self._done_of[name] = 0
                yield {}

    def _left(self, name: str, profile: Profile) -> dict[Part, list[Sample]]:
        """What is not answered; from then on it is known how much there is."""
        mine = self._planned.of(profile) if profile.can.training else self._mine
        asked = suited(profile, mine, self._settings.memory_sizes).samples
        left = {}
        for part, samples in asked.items():
            answered = journal.read(self._answers(name), part, self._fingerprint(part, profile))
            if missing := [one for one in samples if one.id not in answered]:
                left[part] = missing
        self._planned_of[name] = sum(map(len, asked.values()))
        self._done_of[name] = self._planned_of[name] - sum(map(len, left.values()))
        return left

    def _ask_with(
        self,
        name: str,
        system: System,
        profile: Profile,
        memory: Memory,
        parts: Mapping[Part, Sequence[Sample]],
    ) -> None:
        def remembering(done: int, of: int) -> None:
            self.tell(f"{name}: remembering {done} of {of}")

        with system.session(memory, remembering) as session:
            for part, samples in parts.items():
                fingerprint = self._fingerprint(part, profile)
                asker = Asker(session, memory, part.control, told=system.told)
                ids = self._planned.ids[part.dataset]
                with (
                    Journal(
                        self._answers(name), part, fingerprint, self._settings.shard, ids
                    ) as answers,
                    closing(self._ask_part(part, asker, samples, answers)) as asked,
                ):
                    for said in asked:
                        self._count(name, said)
                        self.tell(f"{name}: {_said(part)}")

    def _count(self, name: str, said: Sequence[Said]) -> None:
        for one in said:
            if one.error:
                self._failed, self._problem = self._failed + 1, one.error
            else:
                self._done_of[name] += 1

    def _ask_part(
        self, part: Part, asker: Asker, samples: Sequence[Sample], answers: Journal
    ) -> Generator[list[Said], None, None]:
        task = TASKS[part.task]
        workers = 1 if task.ALONE else self._settings.concurrency
        calls = (partial(_ask, task, asker, batch, answers) for batch in _batches(task, samples))
        return _in_threads(calls, workers)

    def _fingerprint(self, part: Part, profile: Profile) -> str:
        return self._planned.fingerprint(part, profile.form())

    def _answers(self, name: str) -> Path:
        return self._out / "answers" / name


def _ask(task: Asking, asker: Asker, samples: Sequence[Sample], answers: Journal) -> list[Said]:
    """Ask samples that belong together, and keep what is said or why nothing is.

    Raises:
        Unavailable, Unauthenticated: Nobody is there any more to ask.
    """
    try:
        said = task.ask(asker, samples)
    except Unauthenticated:
        raise
    except KithError as error:
        if isinstance(error, Unavailable) and error.reason in _NOBODY_THERE:
            raise
        said = [Said(one.id, error=_why(error, one)) for one in samples]
    for sample, answer in zip(samples, said, strict=True):
        answers.add(sample, answer)
    return said


def _why(error: KithError, sample: Sample) -> str:
    """Why there is no answer; an error about a picture names its file."""
    said = str(error)
    is_named = "IMAGE" not in error.reason or str(sample.photo) in said
    return said if is_named else f"{sample.photo}: {said}"


def _in_threads(calls: Iterator[Callable[[], T]], workers: int) -> Generator[T, None, None]:
    """What each call gives, as it comes; no more are begun than run and wait for a thread."""
    with ThreadPoolExecutor(workers, thread_name_prefix="kith-ask") as pool:
        running: set[Future[T]] = set()
        try:
            for call in calls:
                running.add(pool.submit(call))
                if len(running) >= 2 * workers:
                    over, running = wait(running, return_when=FIRST_COMPLETED)
                    yield from (one.result() for one in over)
            while running:
                over, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (one.result() for one in over)
        finally:
            pool.shutdown(cancel_futures=True)


def _batches(task: Asking, samples: Sequence[Sample]) -> list[list[Sample]]:
    """Samples that one request answers, together."""
    batches: dict[str, list[Sample]] = {}
    for one in samples:
        batches.setdefault(task.together(one), []).append(one)
    return list(batches.values())


def _by_memory(
    planned: Planned, left: Mapping[Part, Sequence[Sample]]
) -> Iterator[tuple[Memory, dict[Part, Sequence[Sample]]]]:
    """Parts by the memory that they need, so that each is entered once."""
    found: dict[str, tuple[Memory, dict[Part, Sequence[Sample]]]] = {}
    for part, samples in left.items():
        of = planned.memories[part]
        for key, its in groupby(samples, key=lambda one: of[one.id].fingerprint):
            asked = list(its)
            parts = found.setdefault(key, (of[asked[0].id], {}))[1]
            parts[part] = [*parts.get(part, ()), *asked]
    yield from found.values()


def _shard_of(task: Asking, sample: Sample, of: int) -> int:
    """Which worker asks a sample: what one request answers, one worker asks."""
    key = hashlib.sha256(task.together(sample).encode()).digest()
    return int.from_bytes(key[:8]) % of


def _said(part: Part) -> str:
    size = f"memory of {part.memory_size}" if part.memory_size else ""
    return ", ".join(filter(None, (part.dataset, part.task, part.control, size)))
