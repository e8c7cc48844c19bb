"""What of a plan a system can be asked, and why not the rest: nothing is left out silently."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from evaluation.results import Part
from evaluation.samples import Control, Sample, Task
from evaluation.systems.system import System
from evaluation.tasks import TASKS
from kith.messages import Capabilities, Model


@dataclass(frozen=True)
class Profile:
    """What a system says of itself."""

    can: Capabilities
    told: bool
    """Whether it is told the true concepts of each question."""

    @classmethod
    def of(cls, system: System) -> Self:
        """That of a system that runs."""
        return cls(system.capabilities, system.told)

    @classmethod
    def read(cls, form: Mapping[str, Any]) -> Self:
        """That which was written down."""
        told = dict(form)
        is_told = told.pop("told_concepts")
        models = tuple(Model(**model) for model in told.pop("models"))
        return cls(Capabilities(**told, models=models), is_told)

    def form(self) -> dict[str, Any]:
        """As plain JSON: the capabilities, and `told_concepts`."""
        return {**asdict(self.can), "told_concepts": self.told}


@dataclass(frozen=True)
class Suited:
    """What of a plan a system is asked."""

    samples: Mapping[Part, Sequence[Sample]]
    left_out: Mapping[str, str]
    """Why the rest is not: by task, control and size of the memory, or by task and setting."""


def suited(
    profile: Profile, samples: Mapping[Part, Sequence[Sample]], sizes: Collection[int]
) -> Suited:
    """What a system is asked.

    Args:
        profile: Of the system.
        samples: All that is planned.
        sizes: Of the memories, beside the datasets' own.
    """
    asked: dict[Part, Sequence[Sample]] = {}
    left_out: dict[str, str] = {}
    for part, planned in samples.items():
        if why := lacks(profile.can, profile.told, part, sizes):
            size = f"memory of {part.memory_size}" if part.memory_size else ""
            left_out[", ".join(filter(None, (part.task, part.control, size)))] = why
            continue
        fitting = []
        for sample in planned:
            if why := unfit(profile.can, profile.told, sample):
                left_out[f"{part.task}, {sample.setting}"] = why
            else:
                fitting.append(sample)
        if fitting:
            asked[part] = fitting
    return Suited(asked, left_out)


def lacks(can: Capabilities, told: bool, part: Part, sizes: Collection[int]) -> str:
    """Why a system is not asked a part of the plan; empty if it is.

    Args:
        can: What it can do.
        told: Whether it is told the true concepts.
        part: Of the plan.
        sizes: Of the memories, beside the datasets' own.
    """
    needs = TASKS[part.task].NEEDS
    draws_on_memory = can.retrieval or told
    if needs.retrieval and not can.retrieval:
        return "it finds no concept by itself"
    if needs.edits and not can.real_time_edit:
        return "an edit holds only after another training"
    if part.control not in (Control.NOTHING, Control.BLANK_PHOTO) and not draws_on_memory:
        return "it draws on no memory"
    if part.memory_size and part.memory_size != min(sizes) and not draws_on_memory:
        return "it draws on no memory, whatever its size"
    if part.control is Control.TRUE_REFERENCES and told:
        return "it is told the true concepts anyway"
    if can.training and sizes and part.memory_size != min(sizes):
        return f"it has to be trained: only in one memory, of {min(sizes)} concepts"
    return ""


def unfit(can: Capabilities, told: bool, sample: Sample) -> str:
    """Why a system is not asked a sample; empty if it is. See `lacks`."""
    if sample.task is Task.QUESTIONS and sample.photo is None and not can.text_only_qa:
        return "it answers nothing without a photo" if can.retrieval or told else ""
    if sample.task is Task.COST and sample.setting == "retrieve" and not can.retrieval:
        return "it finds no concept by itself"
    true = sample.present if _is_caption(sample) else sample.asked
    if told and can.max_concepts_at_once and len(true) > can.max_concepts_at_once:
        return f"it can be told of {can.max_concepts_at_once} at once"
    return ""


def _is_caption(sample: Sample) -> bool:
    return sample.task is Task.CAPTIONING or sample.setting == "caption"
