"""MP-Bench's two splits, drawn by Playroom."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Final

from datagen.dataset import CHECKSUMS, Dataset
from datagen.identities import Identity, identities
from datagen.layout import Category, Layout, Targets
from datagen.layout_files import load
from datagen.making import Commission, make
from datagen.plan import draw_up
from datagen.playroom_engine import PlayroomEngine
from evaluation.bench.crowd import SEED_APART, Whose, look_of
from evaluation.bench.drawings import Progress

SPLITS: Final = ("yollava", "msbench")

_QUICK_KINDS: Final = {
    "yollava": ("person", "pet", "object", "character"),
    "msbench": ("living", "object", "scene", "midwear"),
}
_QUICK_TARGETS: Final = Targets(train=8, test=24, multi=12)
"""For 8 concepts."""


def layout_of(split: str, quick: bool, whose: Whose) -> Layout:
    """The split's layout, or a small one of the same kind."""
    layout = load(split)
    words = [split, *(["validation"] if whose == "validation" else [])]
    if not quick:
        return replace(layout, name="-".join(words))
    kinds = _QUICK_KINDS[split]
    return replace(
        layout,
        name="-".join([*words, "quick"]),
        concepts={kind: Category(2, layout.concepts[kind].playroom) for kind in kinds},
        targets=_QUICK_TARGETS,
    )


def identities_apart(
    layout: Layout, known: Sequence[Identity], whose: Whose, seed: int = 0
) -> tuple[int, tuple[Identity, ...]]:
    """The first seed from one on, and its identities, with no name and no look of those known."""
    taken = {mark for one in known for mark in (one.name, look_of(one))}
    first = seed * SEED_APART
    tried = ((seed, identities(layout, seed, whose)) for seed in count(first))
    return next(
        (seed, found)
        for seed, found in tried
        if taken.isdisjoint(mark for one in found for mark in (one.name, look_of(one)))
    )


def make_split(
    out: Path, layout: Layout, seed: int, known: tuple[Identity, ...], progress: Progress
) -> None:
    """Make a split of these identities, or what is missing of it."""
    engine = PlayroomEngine(known)
    plan = draw_up(layout, [one.concept for one in known], engine.settings, seed)
    commission = Commission(layout, plan, known, engine, Dataset(out))
    for step in make(commission):
        progress(out.name, step.done, step.wanted)
    if not (out / CHECKSUMS).is_file():
        commission.dataset.finish(plan, layout)
