"""The figures by which methods are told apart at a glance, for the last line of a run."""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from evaluation.averages import average
from evaluation.results import Results
from evaluation.samples import Control, Figure, Task
from evaluation.statistics import Estimate

ORIGINAL: Final = "original"
"""The dataset of original pictures, which is held beside the others and not counted with them."""

_IN_WORDS: Final = (Task.RECOGNITION, Task.CAPTIONING)
_ELSE: Final[tuple[tuple[str, Task, Sequence[str], str], ...]] = (
    ("recognition without a language model: F1", Task.RETRIEVAL, ("weighted",), "f1"),
    ("questions: accuracy", Task.QUESTIONS, ("visual", "text"), "accuracy"),
    ("nearest match is right", Task.IDENTIFICATION, ("single", "multi"), "top1"),
    ("strangers named", Task.STRANGERS, ("outside", "outside-multi"), "false_accepts"),
    ("look-alikes told apart", Task.LOOK_ALIKES, ("single",), "accuracy"),
    ("grounding: IoU", Task.GROUNDING, ("single", "multi"), "iou"),
    ("edits seen", Task.EDITS, ("all",), "seen"),
    ("seconds for a caption", Task.COST, ("caption",), "seconds_p50"),
)
"""One figure of each other task, for a run without recognition and captions."""
_SEVERAL: Final = ("six", "five", "four", "three", "two")
_NONE: Final = "–"


class Headline(NamedTuple):
    """One figure of a method, over all datasets, each weighted by its answers.

    It is of the datasets' own memory or, of a method that was not asked with that one, of the
    smallest that it was asked with.
    """

    method: str
    memory_size: int
    """0 for the datasets' own."""
    what: str
    figure: Figure | None
    """None where it is undefined, or the method can't be asked."""


def averaged(datasets: Iterable[str]) -> list[str]:
    """Those that averages are taken over: all but the original pictures, if there are others."""
    names = list(datasets)
    return [name for name in names if name != ORIGINAL] or names


def headlines(results: Results) -> list[Headline]:
    """Those that a run has figures for, method by method: the same ones of each."""
    most = next((one for one in _SEVERAL if _settings(results, Task.CAPTIONING, one)), "two")
    wanted: Sequence[tuple[str, Task, Sequence[str], str]] = (
        ("recognition accuracy", Task.RECOGNITION, ("weighted",), "accuracy"),
        ("F1", Task.RECOGNITION, ("weighted",), "f1"),
        ("captions of one concept: F1", Task.CAPTIONING, ("single",), "f1"),
        (f"of {most}: recall", Task.CAPTIONING, (most,), "recall"),
        ("precision", Task.CAPTIONING, (most,), "precision"),
        ("strangers named", Task.STRANGERS, ("outside", "outside-multi"), "false_accepts"),
    )
    counted = set(averaged(results.datasets))
    plain = [
        one for one in results.figures if one.control is Control.NOTHING and one.dataset in counted
    ]
    if not any(one.task in _IN_WORDS for one in plain):
        wanted = _ELSE
    found: list[Headline] = []
    for method in results.methods:
        own = [one for one in plain if one.method == method]
        size = min((one.memory_size for one in own), default=0)
        for what, task, settings, metric in wanted:
            some = [
                one
                for one in own
                if (one.memory_size, one.task, one.metric) == (size, task, metric)
                and one.setting in settings
            ]
            found.append(Headline(method, size, what, average(some) if some else None))
    known = {one.what for one in found if one.figure}
    return [one for one in found if one.what in known]


def said(results: Results) -> str:
    """One line: each figure with its 95 % interval, a dash for one that a method has not.

    Beside an accuracy stands how many of the answers could not be read, if there are any.
    """
    by_method: dict[str, list[str]] = {}
    for method, size, what, figure in headlines(results):
        title = f"{method} (memory of {size})" if size else method
        by_method.setdefault(title, []).append(f"{what} {_number(figure)}")
    told = "; ".join(f"{title}: {', '.join(each)}" for title, each in by_method.items())
    if results.complete:
        return told or "No headline figures; the report tells what there is."
    return f"Not complete. {told or 'No figures yet.'}"


def form(results: Results) -> dict[str, Any]:
    """The same as JSON: `{"headline": {METHOD: {WHAT: value or null}}}`."""
    by_method: dict[str, dict[str, float | None]] = {}
    for method, _, what, figure in headlines(results):
        by_method.setdefault(method, {})[what] = round(figure.value, 4) if figure else None
    return {"headline": by_method}


def _number(figure: Figure | None) -> str:
    if not figure:
        return _NONE
    told = str(Estimate(figure.value, figure.low, figure.high))
    if figure.metric == "accuracy" and figure.unparsed:
        told += f" with {figure.unparsed:,} of {figure.samples:,} answers unread"
    return told


def _settings(results: Results, task: Task, setting: str) -> bool:
    return any((one.task, one.setting) == (task, setting) for one in results.figures)
