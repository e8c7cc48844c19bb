"""The dataset card: what is in a dataset, how it was made, what is known to be wrong with it."""

import shlex
from collections import Counter
from collections.abc import Iterator
from typing import Final

from datagen.counts import Counts
from datagen.layout import Layout
from datagen.layout_files import shipped
from datagen.plan import ATTEMPTS, PARTS, Plan
from kith.words import counted

_SHOWN: Final = {
    "train": "one concept, to train with",
    "test": "one concept, to test with",
    "multi": "several concepts, to test with",
}
_FAILURES: Final = {
    "playroom": (
        "Prompts are followed in their subjects and boxes alone: place, light and poses are drawn",
        '  by chance, and no picture shows "reading by a window". Clothes alone lie on the ground.',
        "A dress on somebody without a name may reach a little above its planned box.",
        "A scene (a mountain, a barn) fills the whole picture, whatever its box; its pictures",
        "  differ in light, side and the part that is seen alone.",
        "It is a drawn world. What a model reaches here says nothing about photos.",
    ),
    "msdiffusion": (
        "No machine sorted anything out: what no reviewer rejected is here. Thesis 3.5.5 tells",
        "  of wrong anatomy, cut figures, subjects that flow together, lost detail, wrong",
        "  proportions and, beyond three subjects, of missing ones.",
        "`box` and `visible` are unknown; `planned_box` is where a subject was to be. The caption",
        "  is the prompt with names, not what a picture turned out to show.",
    ),
}
"""Lines of a list; those that begin with spaces go on with the one before."""


def card(plan: Plan, layout: Layout, counts: Counts, *, packed: bool = False) -> str:
    """The text of `README.md`, with the configurations that `datasets` reads at its head.

    Args:
        plan: What was to be drawn.
        layout: By which layout.
        counts: What came of it.
        packed: It is the card of the parquet shards.
    """
    return "\n".join([*_head(counts, packed=packed), *_lines(plan, layout, counts)]) + "\n"


def _lines(plan: Plan, layout: Layout, counts: Counts) -> Iterator[str]:
    engine = str(plan.engine["name"])
    ours = plan.layout in shipped()
    yield f"\n# {'MP-Bench, split ' if ours else ''}{layout.name}, by {engine}\n"
    concepts = counted(len(plan.concepts), "concept")
    yield f"{layout.title[:1].upper()}{layout.title[1:]}: {concepts}.\n"
    thesis = layout.targets if ours else None
    yield f"| part | shows | pictures | wanted |{' the thesis kept |' if thesis else ''}"
    yield f"|---|---|---|---|{'---|' if thesis else ''}"
    for part in PARTS:
        told = [_SHOWN[part], counts.kept[part], counts.wanted[part]]
        told += [getattr(thesis, part)] if thesis else []
        yield f"| {part} | {' | '.join(map(str, told))} |"
    if counts.photos:
        photos = counted(counts.photos, "real photo")
        yield f'\nBeside them, {photos} in `test`, `source` "real".'
    yield f"""
![Some of them](contact.png)

The column `source` tells drawn pictures from real photos, `subjects` who is where: `planned_box`
and `box` (its visible pixels) are x1, y1, x2, y2 in shares of the picture, `visible` is the share
that nothing else covers. The configuration `seeds` holds the pictures by which the concepts are
learnt; the first of each is its reference.

## How it was made

    {making_command(plan)}

Settings of the engine: {", ".join(f"{name} {value}" for name, value in plan.engine.items())}.

`plan.json` lists every picture, `decisions.jsonl` every attempt at one and whether it was kept: at
most {ATTEMPTS}, each since the one before was rejected. `sha256sum -c checksums.sha256` tells
whether all is whole.

## Known failures
"""
    yield from _failures(engine, counts)
    yield "\n## Licences of the seeds\n"
    for licence, number in sorted(Counter(one.licence for one in plan.concepts).items()):
        yield f"- {licence}: {counted(number, 'concept')}"


def _head(counts: Counts, *, packed: bool) -> Iterator[str]:
    files = "{}-*.parquet" if packed else "{}/**"
    yield "---\nconfigs:\n- config_name: default\n  data_files:"
    for part in PARTS:
        if counts.kept[part]:
            yield f"  - split: {part}\n    path: {files.format(part)}"
    yield "- config_name: seeds\n  data_files:"
    yield f"  - split: train\n    path: {files.format('seeds')}\n---"


def making_command(plan: Plan, out: str = "DIR") -> str:
    """The command that makes a dataset of a plan, or what is missing of it, in a folder."""
    engine = plan.engine["name"]
    split = plan.layout if plan.layout in shipped() else "FILE"  # whoever made it has the layout
    words = [f"kith datagen make --engine {engine} --split {split} --seed {plan.seed}"]
    if plan.limit is not None:
        words.append(f"--limit {plan.limit}")
    if engine == "msdiffusion":
        words.append("--models DIR --seeds DIR")
    return " ".join([*words, f"--out {shlex.quote(out)}"])


def _failures(engine: str, counts: Counts) -> Iterator[str]:
    for line in _FAILURES.get(engine, ()):
        yield line if line.startswith(" ") else f"- {line}"
    for cause, number in counts.rejected.items():
        yield f"- Rejected for {cause}: {counted(number, 'picture')}."
    yield "- Near-copies among the pictures are found by `kith datagen clean`, not before."
    if counts.given_up:
        yield f"- Given up: {', '.join(counts.given_up)}."
