"""The tables of the thesis, ours beside its own figures, which stand in `thesis.yaml`."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]

from evaluation.report.cells import (
    NONE,
    THESIS,
    Cell,
    Group,
    Row,
    Table,
    measured,
    printed,
    with_best,
)
from evaluation.report.measured import Key, Measured
from evaluation.samples import Figure, Task

_FILE: Final = Path(__file__).with_name("thesis.yaml")
REFERENCE: Final = (
    "The thesis measured other data with other models: its figures are a reference, no comparison."
)

_QUOTED: Final = "Not measured by the thesis, but taken from the MC-LLaVA paper; ours is Table 5.3."


@dataclass(frozen=True)
class Reference:
    """One of Tables 5.1 to 5.9 as printed."""

    number: str
    title: str
    task: Task
    pooled: bool
    """Whether its lines are averages over the splits of a dataset."""
    quoted: bool
    """Whether the thesis took its figures from another paper, and measured none."""
    columns: tuple[tuple[str, str], ...]
    """Metric and setting of each."""
    rows: Mapping[str, Mapping[str, Sequence[float | None]]]
    """By dataset and method."""


@cache
def references() -> tuple[Reference, ...]:
    """Tables 5.1 to 5.9."""
    return tuple(
        Reference(
            one["number"],
            one["title"],
            Task(one["task"]),
            one.get("pooled", False),
            one.get("quoted", False),
            tuple((metric, setting) for metric, setting in map(str.split, one["columns"])),
            one["rows"],
        )
        for one in _told()["tables"]
    )


def tables(measures: Measured) -> list[Table]:
    """Tables 5.1 to 5.9: a division for each dataset, a line for each method, ours first."""
    return [_table(one, measures) for one in references()]


def needs(methods: Mapping[str, Mapping[str, Any]]) -> Table:
    """Table 2.1: what each method needs and can do, as it says itself (`GetCapabilities`).

    Args:
        methods: As in `Results.methods`.
    """
    told = _told()["needs"]
    ours = [Row(name, _needs_of(what)) for name, what in methods.items()]
    theirs = [
        Row(_told()["methods"][name], tuple(Cell(one, reference=True) for one in cells))
        for name, cells in told["rows"].items()
    ]
    groups = (Group("Measured here", tuple(ours)), Group("In the thesis", tuple(theirs)))
    return Table(told["title"], tuple(told["columns"]), groups, (), "2.1", "method")


def methods() -> Sequence[str]:
    """Those that the thesis compares, by the names that they have here."""
    return tuple(_told()["methods"])


def generated(measures: Measured) -> str:
    """A sentence on the datasets that are splits of MP-Bench; empty if none is."""
    splits = [name for name in measures.datasets if _is_split(name, measures)]
    named = " and ".join(splits)
    is_one = len(splits) == 1
    what = "is a split" if is_one else "are the splits"
    return f"{named} {what} of MP-Bench, whose photos are generated." if splits else ""


def source() -> str:
    """Whose figures ours stand beside."""
    return f"The thesis is {_told()['source']}."


def _is_split(dataset: str, measures: Measured) -> bool:
    """Whether a dataset is one of MP-Bench's: it is called so, and photos of it are generated."""
    return dataset in _told()["pooled"]["MP-Bench"] and dataset not in measures.real


def _table(reference: Reference, measures: Measured) -> Table:
    settings = [f"{metric} {setting}" for metric, setting in reference.columns]
    if len({metric for metric, _ in reference.columns}) == 1:
        settings = [setting for _, setting in reference.columns]
    theirs = tuple(f"{setting}{THESIS}" for setting in settings)
    if reference.quoted:
        quotes = tuple(_quoted(dataset, rows) for dataset, rows in reference.rows.items())
        return Table(reference.title, theirs, quotes, (_QUOTED,), reference.number, "method")
    groups = [
        group
        for dataset, splits in _lines(reference, measures).items()
        for group in _groups(reference, measures, dataset, splits)
    ]
    head = (*settings, *theirs)
    return Table(reference.title, head, tuple(groups), (REFERENCE,), reference.number, "method")


def _quoted(dataset: str, rows: Mapping[str, Sequence[float | None]]) -> Group:
    names = _told()["methods"]
    return Group(
        _told()["datasets"].get(dataset, dataset),
        tuple(Row(names[name], tuple(map(printed, figures))) for name, figures in rows.items()),
    )


def _lines(reference: Reference, measures: Measured) -> dict[str, Sequence[str]]:
    """The datasets of a table, ours first, each with the splits of it that were measured."""
    pooled: Mapping[str, Sequence[str]] = _told()["pooled"] if reference.pooled else {}
    whole = {split: dataset for dataset, splits in pooled.items() for split in splits}
    lines: dict[str, list[str]] = {}
    for split in measures.datasets:
        line = whole.get(split, split)
        if split in _told()["pooled"]["MP-Bench"] and not _is_split(split, measures):
            line = f"{split}, real photos"
        lines.setdefault(line, []).append(split)
    return lines | {dataset: () for dataset in reference.rows if dataset not in lines}


def _groups(
    reference: Reference, measures: Measured, dataset: str, splits: Sequence[str]
) -> Iterator[Group]:
    """A dataset's divisions of a table: one for each memory that some method is at home in.

    The thesis's figures of a method stand beside ours; of one that has none in this table, in the
    first division.
    """
    theirs = reference.rows.get(dataset, {})
    names = dict.fromkeys((*measures.methods, *theirs))
    first, *others = (measures.memories if splits else []) or [0]
    ours = {memory: _ours(reference, measures, splits, memory) for memory in (first, *others)}
    for memory in others:
        if not any(measures.home(name) == memory for name in ours[memory]):
            del ours[memory]
    alone = {name for name in theirs if not any(name in found for found in ours.values())}
    for memory, found in ours.items():
        shown = [name for name in names if name in found or (memory == first and name in alone)]
        if not shown:
            continue
        title = _told()["datasets"].get(dataset, dataset)
        if splits and len(measures.memories) > 1:
            title = f"{title}, {measures.called(memory)}"
        yield _group(title, {name: found.get(name, ()) for name in shown}, theirs, reference)


def _group(
    title: str,
    ours: Mapping[str, Sequence[Figure | None]],
    theirs: Mapping[str, Sequence[float | None]],
    reference: Reference,
) -> Group:
    """A line for each method: what was measured, then what is printed, a dash for what is not."""
    nothing: Sequence[None] = [None] * len(reference.columns)
    rows, values = [], []
    for name, found in ours.items():
        figures = found or nothing
        cells = [*map(measured, figures), *map(printed, theirs.get(name, nothing))]
        rows.append(Row(name if found else _told()["methods"][name], tuple(cells)))
        values.append([one.value if one else math.nan for one in figures])
    return Group(title, tuple(with_best(rows, values)))


def _ours(
    reference: Reference, measures: Measured, splits: Sequence[str], memory: int
) -> dict[str, Sequence[Figure | None]]:
    """What was measured in a memory, by method: a figure a column; who has none is left out."""
    found = {
        name: [
            _figure(reference, measures, name, splits, memory, *column)
            for column in reference.columns
        ]
        for name in measures.methods
    }
    return {name: figures for name, figures in found.items() if any(figures)}


def _figure(
    reference: Reference,
    measures: Measured,
    method: str,
    splits: Sequence[str],
    memory: int,
    metric: str,
    setting: str,
) -> Figure | None:
    settings = [setting]
    if reference.task is Task.CAPTIONING and setting == "weighted":  # by the number of photos
        settings = ["single", "multi"]
    return measures.over(
        Key(method, split, reference.task, one, metric, memory_size=memory)
        for split in splits
        for one in settings
    )


def _needs_of(what: Mapping[str, Any]) -> tuple[Cell, ...]:
    low, high = what["positives_min"], what["positives_max"]
    answers = ("captions", "description", "training", "real_time_edit", "text_only_qa")
    return (
        Cell(str(low) if low == high else f"{low}-{high}"),
        Cell(str(what["negatives"]) if what["negatives"] else NONE),
        *(Cell("yes" if what[one] else "no") for one in answers),
    )


@cache
def _told() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return told
