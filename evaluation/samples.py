"""What is asked, what was answered, and the number that a task makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class Task(StrEnum):
    """What is asked of a method; as in `evaluation.proto`."""

    RECOGNITION = "recognition"
    RETRIEVAL = "retrieval"
    CAPTIONING = "captioning"
    QUESTIONS = "questions"
    IDENTIFICATION = "identification"
    STRANGERS = "strangers"
    LOOK_ALIKES = "look-alikes"
    GROUNDING = "grounding"
    EDITS = "edits"
    COST = "cost"


class Control(StrEnum):
    """What is withheld or spoilt on purpose; as in `evaluation.proto`."""

    NOTHING = ""
    """The method as it is."""
    NO_MEMORY = "no-memory"
    BLANK_PHOTO = "blank-photo"
    SHUFFLED_REFERENCES = "shuffled-references"
    TRUE_REFERENCES = "true-references"


@dataclass(frozen=True)
class Sample:
    """One thing that is asked."""

    id: str
    """Stable and unique in a run of one method: task, setting, photo and whom it asks for."""
    task: Task
    dataset: str
    setting: str
    """`single`, `multi`, `outside`, `outside-multi`; a task's docstring names others."""
    photo: Path | None
    """None where nothing is shown."""
    present: tuple[str, ...]
    """The concepts that the photo shows."""
    asked: tuple[str, ...] = ()
    """The concepts that the question is about."""
    question: str = ""
    """What the language model is asked; empty where it is not."""
    truth: Any = None
    """What is right; plain JSON, the task's docstring says which."""


@dataclass(frozen=True)
class Said:
    """What a method answered to a sample; what the journal keeps, a line each."""

    sample: str
    """Its id."""
    value: Any = None
    """The answer as plain JSON, the task's docstring says which; None after an error."""
    text: str = ""
    """The language model's words."""
    seconds: float = 0.0
    concepts: tuple[str, ...] = ()
    """The concepts that the answer drew on."""
    prompt_tokens: int = 0
    """0 where the method does not tell."""
    answer_tokens: int = 0
    bytes_sent: int = 0
    error: str = ""
    """Why there is no answer: it is asked again when the run goes on."""


@dataclass(frozen=True)
class Figure:
    """One measured number; as in `evaluation.proto`."""

    method: str
    dataset: str
    task: Task
    control: Control
    memory_size: int
    """Concepts in the memory; 0 stands for the datasets' own."""
    setting: str
    metric: str
    """accuracy, precision, recall, f1, seconds, ..."""
    value: float
    """Shares are 0 to 1, times seconds."""
    low: float
    """Lower end of the 95 % interval."""
    high: float
    """Upper end of it."""
    samples: int
    """Answers that it rests on."""
    unparsed: int = 0
    """Of these, those that could not be read; they count as wrong."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """What a plot needs besides: counts by concept, thresholds, pairs."""
