"""What each idea of `kith`'s decision is worth: ``python -m pocket.measure_decision FOLDER ...``.

Each FOLDER is an offline bench of validation identities, as ``python -m evaluation.bench FOLDER
--identities validation --seed N`` makes it; nothing is chosen by test identities. Photos are looked
at once, by the shipped detector and embedder; then every line decides anew who is in them, as
`kith` does but for one idea; those of the second table in memories of 1,000, those of the third in
memories of ten. Behind each figure stands its 95 % interval, by bootstrap over photos. No language
model is asked: what is lost here no words bring back.
"""

import argparse
import asyncio
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evaluation.bench import OUTSIDE, OUTSIDE_MULTI
from evaluation.metrics import Counts
from evaluation.statistics import Estimate, bootstrap, wilson
from memory_db import Neighbour
from pocket.looking import Known, Seen, Vectors, looked_at
from services.assistant.methods.deciding import (
    CROWD,
    OTHER_CATEGORY,
    SEVERAL,
    Candidate,
    Candidates,
    Weights,
    by_category,
    candidates,
    decide,
    without_parts,
)


@dataclass(frozen=True)
class _Idea:
    """A way to decide; what is not said is as `kith` does it."""

    views: Callable[[Known], Vectors] = lambda one: one.plain
    regions: Callable[[Seen], Vectors] = lambda seen: _unit(seen.plain + seen.closer_mirrored)
    told: Callable[[NDArray[np.float64]], NDArray[np.float64]] = lambda distances: distances
    """What counts as the distances of a concept's views, by those they have, the nearest first."""
    other_category: float = OTHER_CATEGORY
    """Added to the distance of a region and a concept of two categories."""
    cohort: float = 0.0
    """Share of how far a region is from everybody that is taken off its distances."""
    whole_too: bool = False
    """The whole photo is a region beside those found."""
    strictness: float = 1.0
    """Of the stranger's distance."""
    parts: bool = False
    """What shows a part of another region's concept is a thing of its own."""
    together: bool = True
    """Each concept at most once in a photo, in the best pairing of all."""
    crowd: float = CROWD
    """The power by which distances grow with the memory."""


_IDEAS: Final = {
    "as shipped": _Idea(),
    "the nearest view alone": _Idea(told=lambda d: np.full_like(d, d[0])),
    "all views in the mean": _Idea(told=lambda d: np.full_like(d, d.mean())),
    "the mean of the views": _Idea(
        views=lambda one: np.repeat(_mean(one.plain), len(one.plain), 0)
    ),
    "several views count as one": _Idea(told=lambda d: d / SEVERAL if len(d) > 2 else d),
    "one view": _Idea(views=lambda one: one.plain[:1]),
    "one view, counted as several": _Idea(views=lambda one: one.plain[:1], strictness=1 / SEVERAL),
    "three views": _Idea(views=lambda one: one.plain[:3]),
    "mirrored views too": _Idea(views=lambda one: np.concatenate([one.plain, one.mirrored])),
    "regions as they are": _Idea(regions=lambda seen: seen.plain),
    "closer alone": _Idea(regions=lambda seen: seen.closer),
    "wider alone": _Idea(regions=lambda seen: seen.wider),
    "as they are, and closer": _Idea(regions=lambda seen: _unit(seen.plain + seen.closer)),
    "as they are, and mirrored": _Idea(regions=lambda seen: _unit(seen.plain + seen.mirrored)),
    "as they are, and wider": _Idea(regions=lambda seen: _unit(seen.plain + seen.wider)),
    "the whole photo beside regions": _Idea(whole_too=True),
    "another category is as near": _Idea(other_category=0.0),
    "another category is further (0.2)": _Idea(other_category=0.2),
    "who is far from all is nearer (0.2)": _Idea(cohort=0.2),
    "who is far from all is nearer (0.4)": _Idea(cohort=0.4),
    "5 % stricter": _Idea(strictness=0.95),
    "5 % laxer": _Idea(strictness=1.05),
    "parts of a thing are things": _Idea(parts=True),
    "each region its nearest": _Idea(together=False),
    "no threshold": _Idea(strictness=2.0),
}

_WAYS: Final = {"all views": _Idea(), "one view": _Idea(views=lambda one: one.plain[:1])}
_IDEAS_FOR_CROWDS: Final = {
    f"{how}, power {crowd}": replace(idea, crowd=crowd)
    for how, idea in _WAYS.items()
    for crowd in (0.0, 0.04, 0.06, CROWD, 0.1)
}

_Memory = tuple[Sequence[Known], Sequence[Seen]]
"""Concepts, and the photos that are held against them."""


def measure(folders: Sequence[Path]) -> list[str]:
    """The tables, a line each.

    Args:
        folders: Offline benches, at least one; each is a memory of its own.

    Raises:
        InvalidInput: One is none.
    """
    looked = [asyncio.run(looked_at(folder)) for folder in folders]
    first, stranger = looked[0], looked[0].stranger_distance
    own = [(one.known, one.photos) for one in looked]
    crowds = [([*one.known, *one.crowd], one.photos) for one in looked]
    tens = [ten for memory in own for ten in _tens(*memory)]
    head = f"memory of {len(crowds[0][0]):,}, the {len(first.known)} of the photos known by"
    return [
        *_table("decision", _IDEAS, own, stranger),
        "",
        *_table(head, _IDEAS_FOR_CROWDS, crowds, stranger),
        "",
        *_table("memories of ten, known by", _WAYS, tens, stranger),
    ]


def _tens(known: Sequence[Known], photos: Sequence[Seen]) -> Iterator[_Memory]:
    """Ten concepts at a time, with the photos that show no other."""
    for start in range(0, len(known), 10):
        ten = known[start : start + 10]
        names = {one.name for one in ten}
        yield ten, [seen for seen in photos if seen.truth <= names]


def _table(
    what: str, ideas: Mapping[str, _Idea], memories: Sequence[_Memory], stranger: float
) -> Iterator[str]:
    head = (
        what, "one concept: F1", "several: recall", "precision", "three: recall",
        "precision", "strangers named: one thing", "several things",
    )  # fmt: skip
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for name, idea in tqdm(ideas.items(), desc=what):
        yield f"| {name} | {' | '.join(_figures(idea, memories, stranger))} |"


def _figures(idea: _Idea, memories: Sequence[_Memory], stranger: float) -> list[str]:
    told = []
    for known, photos in memories:
        views = [idea.views(one) for one in known]
        told += [(seen, _decided(idea, known, views, seen, stranger)) for seen in photos]

    def found(kinds: Sequence[str], of: Callable[[Counts], float | None]) -> str:
        some = [
            (len(names & seen.truth), len(names - seen.truth), len(seen.truth - names))
            for seen, names in told
            if seen.kind in kinds
        ]
        return _cell(np.array(some), of)

    def named(kind: str) -> str:
        some = [bool(names) for seen, names in told if seen.kind == kind]
        return str(Estimate(sum(some) / len(some), *wilson(sum(some), len(some))))

    several, three = ("2", "3"), ("3",)
    return [
        found(("1",), lambda counts: counts.f1),
        found(several, lambda counts: counts.recall),
        found(several, lambda counts: counts.precision),
        found(three, lambda counts: counts.recall),
        found(three, lambda counts: counts.precision),
        named(OUTSIDE),
        named(OUTSIDE_MULTI),
    ]


def _cell(photos: NDArray[np.int64], of: Callable[[Counts], float | None]) -> str:
    """A figure of photos, [n, 3] right, wrong and missed names, with its interval."""

    def figure(some: NDArray[np.int64]) -> float:
        tp, fp, fn = map(int, some.sum(0))
        value = of(Counts(tp=tp, fp=fp, fn=fn))
        return math.nan if value is None else value

    return str(Estimate(figure(photos), *bootstrap(photos, figure, draws=300)))


def _decided(
    idea: _Idea, known: Sequence[Known], views: Sequence[Vectors], seen: Seen, stranger: float
) -> frozenset[str]:
    """Names of whom a photo shows."""
    regions, categories = idea.regions(seen), seen.categories
    if len(regions) > 1 and not idea.whole_too:
        regions, categories = regions[:-1], categories[:-1]
    counts = {one.name: len(these) for one, these in zip(known, views, strict=True)}
    words = {one.name: one.category for one in known}
    weights = Weights.of(counts, idea.crowd)
    distances = [_distances(regions, these) for these in views]
    rows = []
    for number, category in enumerate(categories):
        near = [
            Neighbour(one.name, "", float(distance), False)
            for one, these in zip(known, distances, strict=True)
            for distance in idea.told(np.sort(these[number]))
        ]
        row = by_category(candidates(near, counts, weights), category, words, idea.other_category)
        rows.append(_nearer(idea, row))
    things = rows if idea.parts else without_parts(rows, seen.boxes[: len(rows)])
    return frozenset(one.concept_id for one in _kept(idea, things, stranger * idea.strictness))


def _nearer(idea: _Idea, row: Candidates) -> dict[str, Candidate]:
    """What is near a region, the nearest first, with what an idea takes off the distances."""
    away = np.mean([one.distance for one in [*row.values()][1:10]])
    nearer = idea.cohort * (float(away) - 1)
    return {name: one._replace(distance=one.distance - nearer) for name, one in row.items()}


def _kept(idea: _Idea, rows: Sequence[Candidates], stranger: float) -> Iterable[Candidate]:
    if idea.together:
        return decide(rows, stranger).values()
    nearest = (min(row.values(), key=lambda one: one.distance) for row in rows if row)
    return (one for one in nearest if one.distance < stranger)


def _distances(regions: Vectors, views: Vectors) -> NDArray[np.float64]:
    """[regions, views]."""
    apart: NDArray[np.float64] = np.sqrt(
        np.maximum(0, 2 - 2 * regions.astype(np.float64) @ views.T)
    )
    return apart


def _mean(vectors: Vectors) -> Vectors:
    mean: Vectors = vectors.mean(0, keepdims=True)
    return _unit(mean)


def _unit(vectors: Vectors) -> Vectors:
    lengths: Vectors = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / lengths


def main(words: list[str] | None = None) -> int:
    """Read the command line, measure, print the table. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m pocket.measure_decision", description=__doc__)
    parser.add_argument(
        "folders", type=Path, nargs="+", metavar="FOLDER", help="a bench of validation identities"
    )
    sys.stdout.writelines(f"{line}\n" for line in measure(parser.parse_args(words).folders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
