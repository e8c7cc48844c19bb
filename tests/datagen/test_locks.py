"""Commands that would spoil one another's work in a dataset's folder are kept apart."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from datagen.finished import opened_for
from datagen.locks import Command, at_work
from datagen.making import make
from kith.errors import Refused
from tests.datagen.small import commission, finish, tree

HOLDER = """
import sys, time
from pathlib import Path
from datagen.locks import at_work
with at_work(Path(sys.argv[1]), "review"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("first", ["make", "clean", "review"])
@pytest.mark.parametrize("second", ["make", "clean", "review"])
def test_makers_are_there_together_and_everybody_else_alone(
    first: Command, second: Command, tmp_path: Path
) -> None:
    with at_work(tmp_path, first):
        if first == second == "make":
            with at_work(tmp_path, second):
                return
        with pytest.raises(Refused) as refused, at_work(tmp_path, second):
            pass
    said = f"out: kith datagen {first} is at work in {tmp_path}; let it end, or stop it"
    assert (str(refused.value), refused.value.reason) == (said, "DATASET_IN_USE")
    with at_work(tmp_path, second):
        pass


def test_whoever_came_last_is_named(tmp_path: Path) -> None:
    with at_work(tmp_path, "review"):
        pass
    with (
        at_work(tmp_path, "make"),
        pytest.raises(Refused, match="kith datagen make is at work"),
        at_work(tmp_path, "clean"),
    ):
        pass


def test_while_it_is_reviewed_a_dataset_is_neither_made_nor_finished(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out")
    finish(ordered)
    before = tree(tmp_path / "out")
    with opened_for("review", tmp_path / "out"):
        with pytest.raises(Refused, match="kith datagen review is at work"):
            next(make(ordered))
        with pytest.raises(Refused, match="kith datagen review is at work"):
            ordered.dataset.finish(ordered.plan, ordered.layout)
        assert tree(tmp_path / "out") == before
    finish(ordered)


def test_while_a_share_is_made_nobody_reviews(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out")
    finish(ordered)
    steps = make(ordered, 0, 2)
    next(steps)
    with (
        pytest.raises(Refused, match="kith datagen make is at work"),
        opened_for("review", tmp_path / "out"),
    ):
        pass
    steps.close()
    with opened_for("review", tmp_path / "out") as dataset:
        assert len(dataset.rows) == 11


def test_one_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        with pytest.raises(Refused, match="kith datagen review"), at_work(tmp_path, "make"):
            pass
        process.send_signal(signal.SIGKILL)
    with at_work(tmp_path, "make"):
        pass


def test_a_folder_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".work").touch()
    with pytest.raises(Refused, match="out: can't write"), at_work(tmp_path, "clean"):
        pass
