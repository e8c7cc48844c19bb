"""What each idea of `kith`'s decision is worth: ``python -m pocket.measure_decision FOLDER ...``.

Each FOLDER is an offline bench of validation identities, as ``python -m evaluation.bench FOLDER
--identities validation --seed N`` makes it; nothing is chosen by test identities. Photos are looked
at once, by the shipped detector and embedder; then every line decides anew who is in them, as
`kith` does but for one idea; those of the second table in memories of 1,000, by how much distances
count more in a crowd and by some of the same ideas, those of the third in memories of ten. Behind
each figure stands its 95 % interval, by bootstrap over photos, or Wilson's of as many photos. No
language model is asked: what is lost here no words bring back.
"""

import argparse
import asyncio
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from evaluation.bench import OUTSIDE, OUTSIDE_MULTI
from evaluation.metrics import Counts
from evaluation.statistics import Estimate, bootstrap, wilson
from pocket.decision import Deciding, Idea, unit
from pocket.looking import Known, Seen, looked_at
from services.assistant.methods.deciding import CROWD, SEVERAL

IDEAS: Final = {
    "as shipped": Idea(),
    "the nearest view alone": Idea(told=lambda d: np.full_like(d, d[0])),
    "all views in the mean": Idea(told=lambda d: np.full_like(d, d.mean())),
    "the mean of the views": Idea(
        views=lambda one: np.repeat(unit(one.plain.mean(0, keepdims=True)), len(one.plain), 0)
    ),
    "several views count as one": Idea(told=lambda d: d / SEVERAL if len(d) > 2 else d),
    "one view": Idea(views=lambda one: one.plain[:1]),
    "one view, counted as several": Idea(views=lambda one: one.plain[:1], strictness=1 / SEVERAL),
    "three views": Idea(views=lambda one: one.plain[:3]),
    "mirrored views too": Idea(views=lambda one: np.concatenate([one.plain, one.mirrored])),
    "views without what is behind them, too": Idea(
        views=lambda one: np.concatenate([one.plain, one.alone])
    ),
    "views and regions without it": Idea(
        views=lambda one: one.alone, regions=lambda seen: seen.alone
    ),
    "views and regions, with it and without": Idea(
        views=lambda one: unit(one.plain + one.alone),
        regions=lambda seen: unit(seen.plain + seen.closer_mirrored + seen.alone),
    ),
    "patches count a quarter": Idea(patches=0.25),
    "patches count half": Idea(patches=0.5),
    "patches alone": Idea(patches=1.0),
    "regions as they are": Idea(regions=lambda seen: seen.plain),
    "closer alone": Idea(regions=lambda seen: seen.closer),
    "wider alone": Idea(regions=lambda seen: seen.wider),
    "as they are, and closer": Idea(regions=lambda seen: unit(seen.plain + seen.closer)),
    "as they are, and mirrored": Idea(regions=lambda seen: unit(seen.plain + seen.mirrored)),
    "as they are, and wider": Idea(regions=lambda seen: unit(seen.plain + seen.wider)),
    "the whole photo beside regions": Idea(whole_too=True),
    "another category is further (0.05)": Idea(other_category=0.05),
    "another category is further (0.2)": Idea(other_category=0.2),
    "who is far from all is nearer (0.2)": Idea(cohort=0.2),
    "who is far from all is nearer (0.4)": Idea(cohort=0.4),
    "a distance for each category": Idea(kinds=1.0),
    "half of that (square root)": Idea(kinds=0.5),
    "the nearest view of another is a rejected one": Idea(rejected=True),
    "5 % stricter": Idea(strictness=0.95),
    "5 % laxer": Idea(strictness=1.05),
    "the best pairing of all": Idea(pairing=True),
    "the same without parts of things": Idea(pairing=True, parts=False),
    "no threshold": Idea(strictness=2.0),
}

_WAYS: Final = {"all views": Idea(), "one view": Idea(views=lambda one: one.plain[:1])}
_IDEAS_FOR_CROWDS: Final = {
    f"{how}, power {crowd}": replace(idea, crowd=crowd)
    for how, idea in _WAYS.items()
    for crowd in (0.0, 0.04, 0.06, CROWD, 0.1)
} | {
    f"{how}, {what}": replace(IDEAS[what], views=idea.views)
    for how, idea in _WAYS.items()
    for what in (
        "another category is further (0.05)",
        "the best pairing of all",
        "the same without parts of things",
    )
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
        *_table("decision", IDEAS, own, stranger),
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
    what: str, ideas: Mapping[str, Idea], memories: Sequence[_Memory], stranger: float
) -> Iterator[str]:
    head = (
        what, "one concept: F1", "several: recall", "precision", "three: recall",
        "precision", "strangers named: one thing", "several things",
    )  # fmt: skip
    yield "| " + " | ".join(head) + " |"
    yield "|---" * len(head) + "|"
    for name, idea in tqdm(ideas.items(), desc=what):
        yield f"| {name} | {' | '.join(_figures(idea, memories, stranger))} |"


def _figures(idea: Idea, memories: Sequence[_Memory], stranger: float) -> list[str]:
    told = []
    for known, photos in memories:
        deciding = Deciding(idea, known, stranger)
        told += [(seen, deciding.names(seen)) for seen in photos]

    def found(kinds: Sequence[str], of: Callable[[Counts], float | None]) -> str:
        some = [
            (len(names & seen.truth), len(names - seen.truth), len(seen.truth - names))
            for seen, names in told
            if seen.kind in kinds
        ]
        return _cell(np.array(some), of)

    def named(kind: str) -> str:
        some = [bool(names) for seen, names in told if seen.kind == kind]
        photos = len({id(seen) for seen, _ in told if seen.kind == kind})
        share = sum(some) / len(some)  # a photo may be held against several memories
        return str(Estimate(share, *wilson(share * photos, photos)))

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
