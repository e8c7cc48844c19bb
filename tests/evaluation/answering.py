"""Answers made by hand, for the figures of a task."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evaluation.results import Answered, Part
from evaluation.samples import Control, Said, Sample, Task
from evaluation.tasks.asking import Measured


def answered(
    task: Task,
    value: Any,  # noqa: ANN401 - plain JSON
    truth: Any = None,  # noqa: ANN401
    *,
    setting: str = "single",
    photo: str = "1.jpg",
    present: Sequence[str] = ("bo",),
    asked: Sequence[str] = (),
    seconds: float = 0.0,
    tokens: int = 0,
) -> Answered:
    """One answer; each photo, setting and asked name is a sample of its own."""
    name = "/".join((task, setting, photo, *asked))
    path = Path(photo) if photo else None
    sample = Sample(name, task, "made", setting, path, tuple(present), tuple(asked), "", truth)
    said = Said(name, value, seconds=seconds, prompt_tokens=tokens)
    return Answered("kith", Part("made", task, Control.NOTHING, 0), sample, said)


def values(figures: Sequence[Measured]) -> dict[tuple[str, str], float]:
    """By setting and metric."""
    found = {(one.setting, one.metric): one.value for one in figures}
    assert len(found) == len(figures)
    return found
