"""The templates for clusters ask for every share once, as the program itself reads them."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.helm.charts import EXAMPLES, check
from tests.helm.orders import Asked, commands_of, read

SCRIPT = EXAMPLES / "array.sbatch"


def shares(asked: list[Asked]) -> list[tuple[int, int]]:
    """The shares, once it is clear that all workers were asked for the same dataset."""
    assert len({one.order for one in asked}) == 1
    return [(one.index, one.of) for one in asked]


def test_the_pods_of_the_indexed_job_take_every_share_once(monkeypatch: pytest.MonkeyPatch) -> None:
    job = yaml.safe_load((EXAMPLES / "indexed-job.yaml").read_text(encoding="utf-8"))
    check(job)
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # as backoffLimitPerIndex demands
    asked = read(commands_of(job), monkeypatch)
    assert shares(asked) == [(index, 8) for index in range(8)]
    (container,) = spec["template"]["spec"]["containers"]
    mounted = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    assert str(asked[0].order.out).startswith("/datasets/")
    assert {"/datasets", "/tmp"} == set(mounted)
    assert list(mounted.values()) == [one["name"] for one in spec["template"]["spec"]["volumes"]]


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A `kith` that says what it was asked for."""
    program = tmp_path / "bin" / "kith"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" kith "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


def submit(array: list[int], options: list[str], stand_in: Path, **given: str) -> list[list[str]]:
    """What the tasks of an array run."""
    commands = []
    for index in array:
        slurm = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_TASK_COUNT": str(len(array))}
        path = {"PATH": f"{stand_in}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", str(SCRIPT), *options],
            env=os.environ | slurm | path | given,
            capture_output=True,
            text=True,
            check=True,
        )
        commands.append(done.stdout.splitlines())
    return commands


PLAYROOM = ["--engine", "playroom", "--split", "msbench", "--out", "a folder"]
GPU = ["--engine", "msdiffusion", "--split", "yollava", "--seeds", "s", "--models", "m"]


@pytest.mark.parametrize("options", [PLAYROOM, [*GPU, "--out", "a folder"]])
def test_the_tasks_of_the_slurm_array_take_every_share_once(
    options: list[str], stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = re.search(r"^#SBATCH --array=0-(\d+)$", SCRIPT.read_text("utf-8"), re.MULTILINE)
    assert array
    tasks = list(range(int(array[1]) + 1))
    asked = read(submit(tasks, options, stand_in), monkeypatch)
    assert shares(asked) == [(index, len(tasks)) for index in tasks]
    assert asked[0].order.out == Path("a folder")
    assert asked[0].order.engine == options[1]


def test_some_tasks_of_the_slurm_array_can_be_submitted_again(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = read(submit([3, 5], PLAYROOM, stand_in, SHARES="8"), monkeypatch)
    assert shares(asked) == [(3, 8), (5, 8)]
