"""Original pictures beside generated ones: the same methods, on other photos."""

from collections.abc import Iterator
from typing import Final

from evaluation.headline import ORIGINAL
from evaluation.report.cells import Group, Row, Table, measured
from evaluation.report.headline import Headline
from evaluation.report.measured import Key, Measured
from evaluation.samples import Task

_BESIDE: Final = (
    Headline("recognition of one concept: accuracy", Task.RECOGNITION, ("single",), "accuracy"),
    Headline("recognition of one concept: precision", Task.RECOGNITION, ("single",), "precision"),
    Headline("recognition of one concept: recall", Task.RECOGNITION, ("single",), "recall"),
    Headline("the same without a language model: F1", Task.RETRIEVAL, ("single",), "f1"),
    Headline("captions of one concept: F1", Task.CAPTIONING, ("single",), "f1"),
    Headline("nearest match is right", Task.IDENTIFICATION, ("single",), "top1"),
)


def sources(measures: Measured) -> Table:
    """A division for each figure, a line for each method: on original photos, on generated ones."""
    groups = [Group(one.title, rows) for one in _BESIDE if (rows := tuple(_rows(one, measures)))]
    note = (
        f"{ORIGINAL} against {measures.splits}: photos of one concept each, all methods with a "
        f"{measures.called(0)}. The generated ones show other concepts as well; concept by concept "
        "the same ones stand side by side below."
    )
    title = "Original and generated photos"
    return Table(title, ("original", "generated"), tuple(groups), (note,), first="method")


def _rows(one: Headline, measures: Measured) -> Iterator[Row]:
    (setting,) = one.settings
    if ORIGINAL in measures.averaged:  # there are no others
        return
    for name in measures.methods:
        original = measures.of(Key(name, ORIGINAL, one.task, setting, one.metric))
        if original:
            yield Row(name, (measured(original), measured(one.of(measures, name))))
