"""What a run will ask: the parts, their samples, and the memory that each needs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple, Self

from evaluation import datasets as forms
from evaluation import extent, folder, memories
from evaluation.check import counts, unlisted
from evaluation.contents import fingerprint, of_dataset
from evaluation.controls import CONTROLLED, is_possible, memory_under
from evaluation.extent import Extent
from evaluation.manifest import Concept, Dataset, Photo
from evaluation.places import Places
from evaluation.results import Part
from evaluation.samples import Control, Sample, Task
from evaluation.suiting import Profile
from evaluation.systems.system import Memory
from evaluation.tasks import TASKS
from evaluation.tasks.asking import Limits
from evaluation.tasks.choice import restricted
from kith.errors import InvalidInput

SIZED = frozenset(
    {
        Task.RECOGNITION,
        Task.RETRIEVAL,
        Task.CAPTIONING,
        Task.QUESTIONS,
        Task.IDENTIFICATION,
        Task.STRANGERS,
        Task.COST,
    }
)
"""The tasks that are also asked with memories of other sizes."""

_NOT_AGAIN = frozenset({Task.EDITS, Task.COST, Task.STRANGERS})
"""Tasks of which other photos, or another memory of a size, tell nothing new."""


@dataclass(frozen=True)
class Settings:
    """What is chosen about a run."""

    methods: tuple[str, ...]
    """Names of what is measured; each has to be among the systems that the run is given."""
    datasets: tuple[Path, ...]
    """Their folders."""
    outside: Path | None = None
    """Folder of further photos of one thing each that is nobody's."""
    outside_multi: Path | None = None
    """The same, of several things each."""
    distractors: Path | None = None
    """A dataset whose concepts fill larger memories."""
    tasks: tuple[Task, ...] = ()
    """Empty for all."""
    controls: tuple[Control, ...] = ()
    """Empty for all; `(Control.NOTHING,)` for none."""
    memory_sizes: tuple[int, ...] = ()
    """Concepts, beside the datasets' own memory. A method that trains is measured in the smallest
    of these alone. All are asked about the photos of the concepts that the smallest ones hold."""
    quick: bool = False
    seed: int = 0
    shard: tuple[int, int] = (0, 1)
    """(I, N): this worker's share, I from 0 on."""
    concurrency: int = 2
    """Questions that are asked at once."""
    extent: Extent | None = None
    """How much is asked; None for what `quick` says."""

    def told(self) -> dict[str, Any]:
        """What changes the questions or the answers, as plain JSON."""
        return {
            "methods": list(self.methods),
            "tasks": list(self.tasks or Task),
            "controls": [one for one in self.controls or Control if one],
            "memory_sizes": sorted(set(self.memory_sizes)),
            "seed": self.seed,
            "extent": asdict(self.asked),
        }

    @classmethod
    def read(cls, told: Mapping[str, Any], places: Places) -> Self:
        """What `told` gave, of pictures that lie there now."""
        return cls(
            methods=tuple(told["methods"]),
            datasets=tuple(places.datasets.values()),
            outside=places.outside,
            outside_multi=places.outside_multi,
            distractors=places.distractors,
            tasks=tuple(map(Task, told["tasks"])),
            controls=(Control.NOTHING, *map(Control, told["controls"])),
            memory_sizes=tuple(told["memory_sizes"]),
            seed=told["seed"],
            extent=Extent.read(told["extent"]),
        )

    @property
    def asked(self) -> Extent:
        """How much is asked."""
        return self.extent or (extent.QUICK if self.quick else extent.FULL)


class Turn(NamedTuple):
    """What of a part is asked with one memory."""

    memory: Memory
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Planned:
    """What a run will ask of each method that can be asked all of it."""

    settings: Settings
    datasets: tuple[Dataset, ...]
    turns: Mapping[Part, tuple[Turn, ...]]
    own: Memory
    """The datasets' concepts."""
    nothing_to_ask: tuple[Mapping[str, str], ...]
    """Tasks of which a dataset has nothing: `dataset`, `task` and `why`."""

    @cached_property
    def samples(self) -> Mapping[Part, tuple[Sample, ...]]:
        """All questions."""
        return {
            part: tuple(one for turn in turns for one in turn.samples)
            for part, turns in self.turns.items()
        }

    def of(self, profile: Profile) -> Mapping[Part, Sequence[Sample]]:
        """The questions for a system; of one that trains, those with the first memory of a size."""
        if not profile.can.training:
            return self.samples
        return {part: turns[0].samples for part, turns in self.turns.items()}

    @cached_property
    def memories(self) -> Mapping[Part, Mapping[str, Memory]]:
        """What each question of a part is asked with, by its id."""
        return {
            part: {one.id: turn.memory for turn in turns for one in turn.samples}
            for part, turns in self.turns.items()
        }

    @property
    def total(self) -> int:
        """Questions at most: what a method can't do is left out when it is known."""
        return len(self.settings.methods) * sum(map(len, self.samples.values()))

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """What each dataset holds."""
        return {dataset.name: counts(dataset) for dataset in self.datasets}

    @cached_property
    def ids(self) -> Mapping[str, Mapping[Path, str]]:
        """What the photos of each dataset are called, by where they lie."""
        return {
            one.name: {
                photo.path: photo.id for photo in (*one.photos, *one.outside, *one.outside_multi)
            }
            for one in self.datasets
        }

    @property
    def places(self) -> Places:
        """Where the pictures lie."""
        chosen = self.settings
        names = (one.name for one in self.datasets)
        return Places(
            dict(zip(names, chosen.datasets, strict=True)),
            chosen.outside,
            chosen.outside_multi,
            chosen.distractors,
        )

    @cached_property
    def told(self) -> dict[str, Any]:
        """The plan as plain JSON: two that are equal ask the same."""
        return {
            "settings": self.settings.told(),
            "datasets": {dataset.name: of_dataset(dataset) for dataset in self.datasets},
            "memories": {part.file: _fingerprint(turns) for part, turns in self.turns.items()},
            "parts": {part.file: len(samples) for part, samples in self.samples.items()},
        }

    def fingerprint(self, part: Part, system: Mapping[str, Any]) -> str:
        """Of all that is known to change an answer of a part.

        Not of a system's code, which nobody can ask for: `Results.asked_under` tells the revisions.

        Args:
            part: Which.
            system: What the system says of itself, its models included.
        """
        return fingerprint(
            {
                "part": list(part),
                "system": system,
                "memory": _fingerprint(self.turns[part]),
                "samples": [[one.id, one.question, one.truth] for one in self.samples[part]],
                "dataset": self.told["datasets"][part.dataset],
                "seed": self.settings.seed,
            }
        )


def plan(settings: Settings) -> Planned:
    """Read the datasets and lay down every question.

    Raises:
        InvalidInput: A setting or a dataset can't be used.
    """
    _check(settings)
    # Photos are found from wherever somebody stands.
    outside, outside_multi = (
        folder and folder.resolve() for folder in (settings.outside, settings.outside_multi)
    )
    found = tuple(
        _measurable(forms.read(folder.resolve(), outside=outside, outside_multi=outside_multi))
        for folder in settings.datasets
    )
    names = [dataset.name for dataset in found]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(
            f"data: two datasets are called {min(twice)!r}; rename one's folder",
            reason="NAME_TWICE",
            field="data",
        )
    own = memories.own(found)
    possible = tuple(one for one in Control if is_possible(one, own))
    if not settings.controls and len(possible) < len(Control):
        settings = replace(settings, controls=possible)
    turns: dict[Part, tuple[Turn, ...]] = {}
    for part, dataset, memory in _parts(settings, found):
        limits = _limits(settings.asked, part)
        asked = TASKS[part.task].samples(dataset, limits, settings.seed)
        further = (Turn(memory, tuple(asked)),) if asked else ()
        turns[part] = (*turns.get(part, ()), *further)
    empty = [part for part, its in turns.items() if not its]
    nothing = (*_told(empty), *_impossible(settings, found, possible))
    return Planned(settings, found, {part: its for part, its in turns.items() if its}, own, nothing)


def laid_down(out: Path) -> Planned:
    """Plan again what is asked in the folder of a run.

    Raises:
        InvalidInput: A dataset is not there any more, or can't be used.
        Refused: A dataset is not what it was, or the plan is damaged.
    """
    places = folder.places(out)
    planned = plan(Settings.read(folder.settings(out), places))
    folder.lay_down(out, planned.told, places)
    return planned


def _told(empty: Sequence[Part]) -> Iterator[Mapping[str, str]]:
    """What there is nothing to ask of; what a dataset has nothing of at all, once."""
    for part in empty:
        own = part._replace(control=Control.NOTHING, memory_size=0)
        why = f"there is no {TASKS[part.task].ABOUT}"
        if part.control:
            why += f" among the few concepts that {part.control} is about"
        elif part.memory_size:
            why += f" among the concepts that a memory of {part.memory_size} is asked about"
        if part == own or own not in empty:
            yield {"dataset": part.dataset, "task": str(part.task), "why": why}


def _impossible(
    settings: Settings, found: Sequence[Dataset], possible: Collection[Control]
) -> Iterator[Mapping[str, str]]:
    """The controls that all others were chosen without, since the datasets can't have them."""
    for control in Control:
        if control not in possible and set(possible) == {Control.NOTHING, *settings.controls}:
            why = "it takes two concepts"
            yield {"dataset": found[0].name, "task": str(control), "why": why}


def _parts(
    settings: Settings, found: tuple[Dataset, ...]
) -> Iterator[tuple[Part, Dataset, Memory]]:
    """Every part, with what of its dataset it is about and its memory; as often as it has memories.

    A dataset of other photos of concepts that an earlier one has is asked about without controls,
    in the datasets' own memory alone, and not for edits, costs and strangers.
    """
    memory = memories.own(found)
    order = memories.in_order(found, settings.seed)
    few = order[: settings.asked.few]
    sizes = sorted(set(settings.memory_sizes))
    further = _further(settings.distractors)
    tasks = [task for task in Task if task in (settings.tasks or Task)]
    controls = [one for one in Control if one and one in (settings.controls or Control)]
    own = Control.NOTHING
    fresh = memories.with_own_concepts(found)
    photos = [photo for dataset in found for photo in dataset.photos]
    strangers = _strangers_apart(fresh)

    def about(dataset: Dataset, task: Task) -> Dataset:
        return strangers[dataset.name] if task is Task.STRANGERS else dataset

    for dataset in found:
        for task in tasks:
            part = Part(dataset.name, task, own, 0)
            if task in _NOT_AGAIN and dataset not in fresh:
                continue
            if task is Task.EDITS:
                edited = memories.first(len(few), memory, few, "edits")
                yield part, restricted(dataset, few), edited
            else:
                yield part, about(dataset, task), memory
    for control in controls:
        under = memory_under(control, memory, photos, settings.seed)
        for dataset in fresh:
            for task in (task for task in tasks if task in CONTROLLED[control]):
                asked = restricted(about(dataset, task), few)
                yield Part(dataset.name, task, control, 0), asked, under
    groups = memories.groups(order, sizes[0], settings.asked.memories) if sizes else []
    for size, (number, group) in product(sizes, enumerate(groups)):
        rest = [name for name in order if name not in group]
        of_size = memories.of_size(size, memory, [*group, *rest], further)
        for dataset, task in product(fresh, [task for task in tasks if task in SIZED]):
            if number == 0 or task not in _NOT_AGAIN:
                there = restricted(about(dataset, task), group)
                yield Part(dataset.name, task, own, size), there, of_size


def _strangers_apart(datasets: Sequence[Dataset]) -> dict[str, Dataset]:
    """Each dataset with its share of the outside photos that several of them have, by its name.

    They share a memory, which would say the same of the same photo twice.
    """
    owners: dict[Path, list[str]] = {}
    for dataset in datasets:
        for photo in (*dataset.outside, *dataset.outside_multi):
            owners.setdefault(photo.path, []).append(dataset.name)

    def share(photos: Sequence[Photo], name: str) -> tuple[Photo, ...]:
        of = [(photo, owners[photo.path]) for photo in photos]
        return tuple(one for n, (one, names) in enumerate(of) if names[n % len(names)] == name)

    return {
        one.name: replace(
            one,
            outside=share(one.outside, one.name),
            outside_multi=share(one.outside_multi, one.name),
        )
        for one in datasets
    }


def _fingerprint(turns: Sequence[Turn]) -> str:
    """Of the memories."""
    first, *others = dict.fromkeys(turn.memory.fingerprint for turn in turns)
    return fingerprint([first, *others]) if others else first


def _limits(asked: Extent, part: Part) -> Limits:
    if part.control:
        return asked.controls
    return asked.sizes if part.memory_size else asked.plain


def _further(folder: Path | None) -> tuple[Concept, ...]:
    try:
        return forms.read(folder).concepts if folder else ()
    except InvalidInput as error:
        said = str(error).removeprefix("data: ")
        raise InvalidInput(
            f"distractors: {said}", reason=error.reason, field="distractors"
        ) from error


def _measurable(dataset: Dataset) -> Dataset:
    """A dataset about which every question can be put. `kith evaluate check` tells the same.

    Raises:
        InvalidInput: It has no concept, one that is called by angle brackets, or a photo of
            somebody else.
    """
    problems = [
        f"concept {one.name!r} holds angle brackets, which questions put around a name; call it "
        f"{one.name.strip('<>')!r} in the dataset"
        for one in dataset.concepts
        if {"<", ">"} & set(one.name)
    ]
    problems += [f"{one}; add it, or take it out of the photo" for one in unlisted(dataset)]
    if not dataset.concepts:
        problems = ["there is no concept; add one, or leave the folder out"]
    if problems:
        raise InvalidInput(
            f"data: {dataset.name}: {problems[0]}", reason="DATASET_INVALID", field="data"
        )
    return dataset


def _check(settings: Settings) -> None:
    index, of = settings.shard
    if not 0 <= index < of:
        raise InvalidInput(
            f"shard: {index}/{of} is none; give I/N with I from 0 to N-1",
            reason="SHARD_INVALID",
            field="shard",
        )
    for field, given in (("methods", settings.methods), ("data", settings.datasets)):
        if not given or len(set(given)) < len(given):
            raise InvalidInput(
                f"{field}: {', '.join(map(str, given)) or 'none'}; give one or more, each once",
                reason=f"{field.upper()}_INVALID",
                field=field,
            )
    if any(size < 1 for size in settings.memory_sizes):
        raise InvalidInput(
            f"memory_sizes: {min(settings.memory_sizes)} concepts; give 1 or more",
            reason="MEMORY_SIZES_INVALID",
            field="memory_sizes",
        )
    if settings.concurrency < 1:
        raise InvalidInput(
            f"concurrency: {settings.concurrency}; give 1 or more",
            reason="CONCURRENCY_INVALID",
            field="concurrency",
        )
