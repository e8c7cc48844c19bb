"""The figures by which methods are told apart at a glance, for the last line of a run."""

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from evaluation.results import Results
from evaluation.samples import Control, Figure, Task

ORIGINAL: Final = "original"
"""The dataset of original pictures, which is held beside the others and not counted with them."""

_SEVERAL: Final = ("six", "five", "four", "three", "two")


class Headline(NamedTuple):
    """One figure of a method, over all datasets, each weighted by its answers."""

    method: str
    what: str
    value: float


def headlines(results: Results) -> list[Headline]:
    """Those that a run has figures for, method by method."""
    most = next((one for one in _SEVERAL if _settings(results, Task.CAPTIONING, one)), "two")
    wanted: tuple[tuple[str, Task, Sequence[str], str], ...] = (
        ("recognition accuracy", Task.RECOGNITION, ("weighted",), "accuracy"),
        ("F1", Task.RECOGNITION, ("weighted",), "f1"),
        ("captions of one concept: F1", Task.CAPTIONING, ("single",), "f1"),
        (f"of {most}: recall", Task.CAPTIONING, (most,), "recall"),
        ("precision", Task.CAPTIONING, (most,), "precision"),
        ("strangers named", Task.STRANGERS, ("outside", "outside-multi"), "false_accepts"),
    )
    found = []
    for method in results.methods:
        for what, task, settings, metric in wanted:

            def fits(
                one: Figure,
                method: str = method,
                task: Task = task,
                settings: Sequence[str] = settings,
                metric: str = metric,
            ) -> bool:
                return (one.method, one.task, one.metric) == (
                    method,
                    task,
                    metric,
                ) and one.setting in settings

            if (value := _mean(results, fits)) is not None:
                found.append(Headline(method, what, value))
    return found


def said(results: Results) -> str:
    """One line."""
    by_method: dict[str, list[str]] = {}
    for method, what, value in headlines(results):
        by_method.setdefault(method, []).append(f"{what} {value:.3f}")
    told = "; ".join(f"{method}: {', '.join(each)}" for method, each in by_method.items())
    unfinished = "" if results.complete else "Not complete. "
    return f"{unfinished}{told or 'No figures yet.'}"


def form(results: Results) -> dict[str, Any]:
    """The same as JSON: `{"headline": {METHOD: {WHAT: value}}}`."""
    by_method: dict[str, dict[str, float]] = {}
    for method, what, value in headlines(results):
        by_method.setdefault(method, {})[what] = round(value, 4)
    return {"headline": by_method}


def _settings(results: Results, task: Task, setting: str) -> bool:
    return any((one.task, one.setting) == (task, setting) for one in results.figures)


def _mean(results: Results, fits: Callable[[Figure], bool]) -> float | None:
    found = [
        one
        for one in results.figures
        if one.control is Control.NOTHING
        and not one.memory_size
        and one.dataset != ORIGINAL
        and fits(one)
    ]
    samples = sum(one.samples for one in found)
    return sum(one.value * one.samples for one in found) / samples if samples else None
