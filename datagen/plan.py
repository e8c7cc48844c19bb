"""The plan of a dataset: the exact list of its pictures, before the first one is drawn."""

import dataclasses
import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice, product
from typing import Any, Final, Literal

from datagen.chance import seed_of, shuffled
from datagen.dealing import Group, by_category, deal, groups
from datagen.layout import Box, Combination, Layout, Targets
from datagen.prompts import fill
from datagen.seeds import Concept
from kith.errors import InvalidInput

Part = Literal["train", "test", "multi"]
PARTS: Final[tuple[Part, ...]] = ("train", "test", "multi")

ATTEMPTS: Final = 8
"""Pictures that are drawn for one job, at most: if all are rejected, it is given up."""

Settings = Mapping[str, str | int | float]


@dataclass(frozen=True)
class Subject:
    """Who is to be in a picture, and where."""

    concept: str
    """Its name."""
    role: str
    category: str
    noun: str
    box: Box


@dataclass(frozen=True)
class Job:
    """One picture that is wanted."""

    id: str
    """Its part and its number from 1 there, as in "train/0001"."""
    part: Part
    prompt: str
    """Filled with the nouns."""
    caption: str
    """The same with the concepts' names, as in <bo>."""
    scenario: int
    """Which prompt of its combination, from 0."""
    table: str
    """Of the thesis, whence the combination is; empty where no table has it."""
    subjects: tuple[Subject, ...]
    seed: int

    def seed_at(self, attempt: int) -> int:
        """The seed of its picture at an attempt, counted from 0."""
        return seed_of(self.seed, attempt)


@dataclass(frozen=True)
class Plan:
    """Everything that a dataset's pictures depend on."""

    layout: str
    """Its name."""
    layout_sha256: str
    """Of what it says."""
    engine: Settings
    """Its name, and what else its pictures depend on."""
    seed: int
    limit: int | None
    """Pictures at most; None for all that the layout wants."""
    concepts: tuple[Concept, ...]
    jobs: tuple[Job, ...]
    """Mixed by part, so that the first ones are a dataset in small."""

    @property
    def wanted(self) -> Targets:
        """How many pictures of each part."""
        counted = Counter(job.part for job in self.jobs)
        return Targets(counted["train"], counted["test"], counted["multi"])

    def share(self, index: int, of: int) -> tuple[Job, ...]:
        """The jobs of one worker among several: each job is exactly one worker's.

        Args:
            index: Which worker, from 0.
            of: How many there are.

        Raises:
            InvalidInput: There is no such worker.
        """
        if not 0 <= index < of:
            raise InvalidInput(
                f"shard: {index}/{of} is none; give I/N, I from 0 on and below N",
                reason="SHARD_INVALID",
                field="shard",
            )
        return self.jobs[index::of]

    def to_json(self) -> str:
        """The plan as the text of `plan.json`."""
        told = dataclasses.asdict(self)
        return json.dumps(told, ensure_ascii=False, indent=1) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """The plan that `to_json` told.

        Raises:
            ValueError: The text is none.
        """
        try:
            told = json.loads(text)
            concepts = tuple(Concept(**one) for one in told.pop("concepts"))
            jobs = tuple(_read_job(one) for one in told.pop("jobs"))
            return cls(**told, concepts=concepts, jobs=jobs)
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"it is no plan: {error}") from error


def draw_up(
    layout: Layout,
    concepts: Sequence[Concept],
    engine: Settings,
    seed: int = 0,
    limit: int | None = None,
) -> Plan:
    """The plan of a dataset.

    With as many concepts as the layout is made for, there are as many pictures of each part as it
    wants; with fewer or more, as many for each concept. A combination whose concepts are lacking
    is left out.

    Args:
        layout: What is to be shown.
        concepts: Their names differ, their categories are the layout's.
        engine: What draws.
        seed: Where chance begins: the same one gives the same plan.
        limit: Pictures at most, from 1.

    Raises:
        InvalidInput: A limit below 1, or nothing can be drawn.
    """
    if limit is not None and limit < 1:
        raise InvalidInput(
            f"limit: {limit} is below 1; give a larger one or leave it out",
            reason="LIMIT_INVALID",
            field="limit",
        )
    jobs = _mixed([*_single(layout, concepts, seed), _multi(layout, concepts, seed)])
    if not jobs:
        raise InvalidInput(
            f"seeds: {_what_is_lacking(layout, concepts)}",
            reason="SEEDS_INVALID",
            field="seeds",
        )
    return Plan(
        layout=layout.name,
        layout_sha256=layout.sha256,
        engine=dict(engine),
        seed=seed,
        limit=limit,
        concepts=tuple(concepts),
        jobs=tuple(jobs[:limit]),
    )


def _what_is_lacking(layout: Layout, concepts: Sequence[Concept]) -> str:
    there = Counter(one.category for one in concepts)
    lacking = min((one.needs - there for one in layout.multi), key=Counter.total)
    given = _by_category(there) or "no concept at all"
    return f"no combination of {layout.name} fits {given}; add {_by_category(lacking)}"


def _by_category(counts: Counter[str]) -> str:
    return ", ".join(f"{number} of {category}" for category, number in counts.items())


def _single(layout: Layout, concepts: Sequence[Concept], seed: int) -> tuple[list[Job], list[Job]]:
    """The pictures of one concept: concepts in turn, each with its next scenario."""
    if layout.targets is None:
        return [], []
    train = _scaled(layout.targets.train, layout, concepts)
    test = _scaled(layout.targets.test, layout, concepts)
    order = shuffled(concepts, seed, layout.name, "single")
    jobs: tuple[list[Job], list[Job]] = ([], [])
    for place in range(train + test):
        concept = order[place % len(order)]
        scenario = place // len(order) % layout.scenarios
        part: Part = "train" if place < train else "test"
        made = jobs[part == "test"]
        combination = layout.single[concept.category]
        made.append(_job(layout, seed, part, len(made), combination, (concept,), scenario))
    return jobs


def _multi(layout: Layout, concepts: Sequence[Concept], seed: int) -> list[Job]:
    """The pictures of several concepts: combinations in turn, each with its next concepts."""
    named = by_category(concepts)
    fitting = [(one, found) for one in layout.multi if (found := groups(one, named))]
    if layout.targets is None:
        every = shuffled(list(_every(layout, fitting)), seed, layout.name, "multi")
    elif fitting:
        every = list(
            islice(_dealt(layout, fitting, seed), _scaled(layout.targets.multi, layout, concepts))
        )
    else:
        every = []
    return [
        _job(layout, seed, "multi", number, combination, group, scenario)
        for number, (combination, group, scenario) in enumerate(every)
    ]


def _every(
    layout: Layout, fitting: Sequence[tuple[Combination, list[Group]]]
) -> Iterator[tuple[Combination, Group, int]]:
    for combination, found in fitting:
        scenarios = range(min(layout.scenarios, len(combination.prompts)))
        for group, scenario, _ in product(found, scenarios, range(layout.pictures)):
            yield combination, group, scenario


def _dealt(
    layout: Layout, fitting: Sequence[tuple[Combination, list[Group]]], seed: int
) -> Iterator[tuple[Combination, Group, int]]:
    used: Counter[str] = Counter()
    decks = [
        deal(found, used, seed, layout.name, place) for place, (_, found) in enumerate(fitting)
    ]
    for turn in count():
        for (combination, _), deck in zip(fitting, decks, strict=True):
            yield combination, next(deck), turn % layout.scenarios


def _scaled(target: int, layout: Layout, concepts: Sequence[Concept]) -> int:
    """As many pictures for each concept as the layout wants, rounded up."""
    made_for = sum(category.count for category in layout.concepts.values())
    return math.ceil(target * len(concepts) / made_for)


def _job(
    layout: Layout,
    seed: int,
    part: Part,
    number: int,
    combination: Combination,
    group: Group,
    scenario: int,
) -> Job:
    name = f"{part}/{number + 1:04d}"
    roles = [subject.role for subject in combination.subjects]
    nouns = [concept.noun for concept in group]
    tags = [f"<{concept.name}>" for concept in group]
    return Job(
        id=name,
        part=part,
        prompt=fill(combination.prompts[scenario], roles, nouns, layout.adds_articles),
        caption=fill(combination.prompts[scenario], roles, tags, articles=False),
        scenario=scenario,
        table=combination.table,
        subjects=tuple(
            Subject(concept.name, subject.role, subject.category, concept.noun, subject.box)
            for subject, concept in zip(combination.subjects, group, strict=True)
        ),
        seed=seed_of(seed, layout.name, name),
    )


def _mixed(parts: Sequence[Sequence[Job]]) -> list[Job]:
    """The jobs of all parts, so that a beginning of any length has each in proportion."""
    placed = [
        ((number + 0.5) / len(jobs), place, job)
        for place, jobs in enumerate(parts)
        for number, job in enumerate(jobs)
    ]
    return [job for _, _, job in sorted(placed, key=lambda one: one[:2])]


def _read_job(told: dict[str, Any]) -> Job:
    subjects = tuple(
        Subject(**one | {"box": tuple(map(float, one["box"]))}) for one in told.pop("subjects")
    )
    return Job(**told, subjects=subjects)
