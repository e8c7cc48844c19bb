"""The tasks, a module each; see `asking.Asking` for what all of them have."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from evaluation.samples import Task
from evaluation.tasks import (
    captioning,
    cost,
    edits,
    grounding,
    identification,
    look_alikes,
    questions,
    recognition,
    retrieval,
    strangers,
)
from evaluation.tasks.asking import Asking

TASKS: Final[Mapping[Task, Asking]] = MappingProxyType(
    {
        Task.RECOGNITION: recognition,
        Task.RETRIEVAL: retrieval,
        Task.CAPTIONING: captioning,
        Task.QUESTIONS: questions,
        Task.IDENTIFICATION: identification,
        Task.STRANGERS: strangers,
        Task.LOOK_ALIKES: look_alikes,
        Task.GROUNDING: grounding,
        Task.EDITS: edits,
        Task.COST: cost,
    }
)

__all__ = ["TASKS"]
