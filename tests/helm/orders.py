"""What a command of a template asks for, as the program itself reads it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from datagen import making
from datagen.counts import Counts
from datagen.layout_files import shipped
from datagen.making import Order
from kith.cli import main


@dataclass(frozen=True)
class Asked:
    """What one worker was asked for."""

    order: Order
    index: int
    of: int
    packed: bool


class Recorder:
    """Stands in for the making of datasets, and for a dataset whose pictures are all there."""

    plan = layout = None
    left_out = ()

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self._order: Order | None = None
        self._share = (0, 0)

    @property
    def dataset(self) -> "Recorder":
        return self

    def accept(self, order: Order) -> "Recorder":
        assert order.split in shipped() or Path(order.split).suffix == ".yaml"
        self._order = order
        return self

    def make(self, commission: "Recorder", index: int, of: int) -> Iterator[making.Progress]:
        assert commission is self
        self._share = (index, of)
        yield making.Progress(1, 1, 0)

    def missing(self, commission: "Recorder") -> int:
        return 0

    def finish(self, plan: None, layout: None, *, packed: bool) -> Counts:
        assert self._order
        self.asked.append(Asked(self._order, *self._share, packed))
        return Counts({}, {}, 0, {}, ())


def read(commands: Sequence[Sequence[str]], monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """What each of some command lines asks for, each of which has to begin with `kith`."""
    recorder = Recorder()
    with monkeypatch.context() as patch:
        for name in ("accept", "make", "missing"):
            patch.setattr(making, name, getattr(recorder, name))
        for program, *arguments in commands:
            assert program == "kith"
            assert main(arguments) == 0
    return recorder.asked


def commands_of(job: dict[str, Any]) -> list[list[str]]:
    """What each pod of an indexed Job runs, its variables filled in as a node does."""
    (container,) = job["spec"]["template"]["spec"]["containers"]
    line = container["command"] + container["args"]
    return [
        [re.sub(r"\$\(JOB_COMPLETION_INDEX\)", str(index), word) for word in line]
        for index in range(job["spec"]["completions"])
    ]
