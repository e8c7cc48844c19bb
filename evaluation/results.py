"""What a run leaves behind: every answer in journals, and the figures made of them.

    OUT/plan.json                     what was to be asked, of which systems, and the revisions
                                      under which it was
    OUT/answers/METHOD/PART.jsonl     a line an answer, written as it comes; a PART is one task on
                                      one dataset under one control and memory size; of workers
                                      with a shard each, PART.I-of-N.jsonl
    OUT/results.json                  the figures, written as methods are done, and at the end;
                                      between, `gathering.so_far` makes them of the answers
    OUT/report.html, report.md, figures/

A line that is still being written, or that a crash tore, is not read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from evaluation import folder
from evaluation.files import damaged, json_lines, read_json, typed
from evaluation.places import Places
from evaluation.samples import Control, Figure, Said, Sample, Task
from kith.errors import NotFound
from kith.files import write_whole

_AGAIN: Final = "the same kith evaluate as before writes it anew, and asks nothing twice"
"""What to do where results are damaged."""
_WITH_OUTSIDE: Final = {Task.RECOGNITION, Task.RETRIEVAL, Task.STRANGERS}
"""Tasks that ask about photos that show no concept."""


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
    for a system behind an OpenAI door, its name and address. Besides, `left_out`: why what it was
    not asked was left out; and `unfinished`: of parts, [answered, planned]. A method that was not
    begun is missing."""
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
    nothing_to_ask: tuple[Mapping[str, str], ...] = ()
    """Tasks of which a dataset has nothing: dataset, task, why."""

    @property
    def without_outside(self) -> list[str]:
        """The datasets that have no photo from outside, though tasks ask about such."""
        if not _WITH_OUTSIDE & set(self.settings.get("tasks", ())):
            return []
        kinds = ("outside", "outside_multi")
        return [name for name, what in self.datasets.items() if not any(map(what.get, kinds))]

    def write(self, out: Path) -> None:
        """As `results.json`."""
        text = json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"
        write_whole(out / "results.json", text.encode())


def read(out: Path) -> Results:
    """The results in a folder.

    Raises:
        NotFound: There are none.
        Refused: They are damaged.
    """
    path = out / "results.json"
    try:
        told = read_json(path, _AGAIN)
        told["figures"] = tuple(map(_figure, told["figures"]))
        for key in ("comparisons", "asked_under", "nothing_to_ask"):
            told[key] = tuple(told.get(key, ()))
        return typed(Results, told)
    except FileNotFoundError as error:
        raise NotFound(
            f"out: {out} holds no results.json; run kith evaluate with this folder first",
            reason="RESULTS_NOT_FOUND",
            field="out",
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"it is of another form ({error})", _AGAIN) from error


def answers(out: Path) -> Iterator[Answered]:
    """Every answer in the journals of a folder, method by method; one that failed is left out."""
    places = folder.places(out)
    for file in sorted((out / "answers").glob("*/*.jsonl")):
        for one in json_lines(file, partial(_answered, file.parent.name, places)):
            if one and not one.said.error:
                yield one


def _figure(told: dict[str, Any]) -> Figure:
    kinds = {"task": Task(told["task"]), "control": Control(told["control"])}
    return typed(Figure, {**told, **kinds})


def _answered(method: str, places: Places, line: dict[str, Any]) -> Answered | None:
    """The answer in a line of a journal; None for a first one."""
    if "said" not in line:
        return None
    sample = _sample(line["sample"], places)
    return Answered(method, _part(line["part"]), sample, typed(Said, line["said"]))


def _part(told: list[Any]) -> Part:
    return Part(told[0], Task(told[1]), Control(told[2]), told[3])


def _sample(told: dict[str, Any], places: Places) -> Sample:
    photo = told["photo"]
    return typed(
        Sample,
        {
            **told,
            "task": Task(told["task"]),
            "photo": places.of(told["dataset"], photo) if photo else None,
        },
    )
