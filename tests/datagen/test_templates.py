"""The templates for clusters ask for every share once, as the command reads shares."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from kith.cli.datagen import _share

FOLDER = Path(__file__).resolve().parents[2] / "examples" / "datagen"


def test_the_pods_of_the_indexed_job_take_every_share_once() -> None:
    job = yaml.safe_load((FOLDER / "indexed-job.yaml").read_text(encoding="utf-8"))
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job")
    spec = job["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never"  # as backoffLimitPerIndex demands
    (container,) = spec["template"]["spec"]["containers"]
    assert container["command"] == ["kith", "datagen", "make"]
    (shard,) = (one for one in container["args"] if one.startswith("--shard="))
    shares = [
        _share(shard.removeprefix("--shard=").replace("$(JOB_COMPLETION_INDEX)", str(index)))
        for index in range(spec["completions"])
    ]
    assert shares == [(index, len(shares)) for index in range(len(shares))]
    (out,) = (one.removeprefix("--out=") for one in container["args"] if "--out=" in one)
    (mount,) = container["volumeMounts"]
    assert out.startswith(f"{mount['mountPath']}/")
    assert [one["name"] for one in spec["template"]["spec"]["volumes"]] == [mount["name"]]


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A `kith` that says what it was asked for."""
    program = tmp_path / "bin" / "kith"
    program.parent.mkdir()
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return program.parent


def test_the_tasks_of_the_slurm_array_take_every_share_once(stand_in: Path) -> None:
    script = FOLDER / "array.sbatch"
    array = re.search(r"^#SBATCH --array=(\d+)-(\d+)$", script.read_text("utf-8"), re.MULTILINE)
    assert array
    indices = range(int(array[1]), int(array[2]) + 1)
    shares = []
    for index in indices:
        slurm = {"SLURM_ARRAY_TASK_ID": str(index), "SLURM_ARRAY_TASK_COUNT": str(len(indices))}
        environment = os.environ | slurm | {"PATH": f"{stand_in}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", str(script), "a folder"],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        asked = done.stdout.splitlines()
        assert asked[:2] == ["datagen", "make"]
        assert asked[asked.index("--out") + 1] == "a folder"
        shares.append(_share(asked[asked.index("--shard") + 1]))
    assert shares == [(index, len(shares)) for index in range(len(shares))]
