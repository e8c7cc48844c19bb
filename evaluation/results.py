"""What a run leaves behind: every answer in journals, and the figures made of them.

    OUT/plan.json                     what was to be asked, of which systems, and the revisions
                                      under which it was
    OUT/answers/METHOD/PART.jsonl     a line an answer, written as it comes; a PART is one task on
                                      one dataset under one control and memory size; of workers
                                      with a shard each, PART.I-of-N.jsonl
    OUT/results.json                  the figures, written when a run ends or is reported on
    OUT/report.html, report.md, figures/

A line that is still being written, or that a crash tore, is not read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from evaluation.samples import Control, Figure, Said, Sample, Task
from kith.errors import NotFound


class Part(NamedTuple):
    """One task on one dataset, under one control and one size of memory."""

    dataset: str
    task: Task
    control: Control
    memory_size: int
    """Concepts in the memory; 0 stands for the datasets' own."""

    @property
    def file(self) -> str:
        """Name of its journal."""
        words = [self.dataset, self.task, self.control]
        size = [f"n{self.memory_size}"] if self.memory_size else []
        return ".".join([*filter(None, words), *size]) + ".jsonl"


class Answered(NamedTuple):
    """A sample with its answer."""

    method: str
    part: Part
    sample: Sample
    said: Said


@dataclass(frozen=True)
class Results:
    """The figures of a run, and what they rest on."""

    figures: tuple[Figure, ...]
    """Those that are defined: a share of nothing is none of them."""
    methods: Mapping[str, Mapping[str, Any]]
    """By name, what `GetCapabilities` says of each (Table 2.1), models and fingerprints included;
    for a system behind an OpenAI door, its name and address."""
    datasets: Mapping[str, Mapping[str, int]]
    """By name, what was counted: concepts, views, singles, multis, outside, ..."""
    comparisons: tuple[Mapping[str, Any], ...]
    """McNemar between two methods on the same samples: dataset, task, setting, methods, only_first,
    only_second, p."""
    settings: Mapping[str, Any]
    """Everything that was chosen: methods, tasks, controls, seeds, limits."""
    revision: str
    """Git revision of the evaluator that computed the figures; empty where there is none."""
    asked_under: tuple[str, ...]
    """Git revisions under which the answers were taken, in that order. More than one where a run
    was stopped and went on with another."""
    versions: Mapping[str, str]
    """Of Python and of the packages that matter."""
    complete: bool
    """Whether every planned sample is answered."""
    seconds: float
    """Spent on asking, over all runs that went into it."""

    def write(self, folder: Path) -> None:
        """As `results.json`."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        part = folder / "results.json.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / "results.json")


def read(folder: Path) -> Results:
    """The results in a folder.

    Raises:
        NotFound: There are none.
    """
    try:
        told = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFound(
            f"out: {folder} holds no results.json; run kith evaluate with this folder first",
            reason="RESULTS_NOT_FOUND",
            field="out",
        ) from error
    told["figures"] = tuple(
        Figure(**{**one, "task": Task(one["task"]), "control": Control(one["control"])})
        for one in told["figures"]
    )
    told["comparisons"] = tuple(told["comparisons"])
    told["asked_under"] = tuple(told["asked_under"])
    return Results(**told)


def answers(folder: Path) -> Iterator[Answered]:
    """Every answer in the journals of a folder, method by method; one that failed is left out."""
    for file in sorted((folder / "answers").glob("*/*.jsonl")):
        content = file.read_bytes()
        for line in content[: content.rfind(b"\n") + 1].splitlines():
            told = json.loads(line)
            if "sample" in told and not told["said"]["error"]:
                yield Answered(
                    file.parent.name, _part(told["part"]), _sample(told["sample"]), _said(told)
                )


def _part(told: list[Any]) -> Part:
    return Part(told[0], Task(told[1]), Control(told[2]), told[3])


def _sample(told: dict[str, Any]) -> Sample:
    photo = told["photo"]
    return Sample(
        **{
            **told,
            "task": Task(told["task"]),
            "photo": Path(photo) if photo else None,
            "present": tuple(told["present"]),
            "asked": tuple(told["asked"]),
        }
    )


def _said(told: dict[str, Any]) -> Said:
    said = told["said"]
    return Said(**{**said, "concepts": tuple(said["concepts"])})
