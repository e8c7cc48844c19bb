"""kill -9 in the middle of a run: nothing answered is asked again, and the results are the same."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.evaluation.test_run import lines, told

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, str(Path(__file__).with_name("killed.py"))]


def start(world: Path, out: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [*COMMAND, str(world), str(out)], stdout=subprocess.PIPE, text=True, env=environment
    )


def written(out: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in out.glob("answers/*/*.jsonl"))


def test_a_run_that_is_killed_twice_gives_what_a_straight_one_gives(
    world: Path, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    for enough in (20, 80):
        process = start(world, out)
        while written(out) < enough and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()  # type: ignore[union-attr]
        assert not (out / "results.json").exists()
    before = len(lines(out))
    ended, straight = start(world, out), start(world, tmp_path / "straight")
    asked = [int(process.communicate()[0]) for process in (ended, straight)]
    assert ended.returncode == straight.returncode == 0
    assert before > 60  # headers are lines too
    everything = lines(out)
    assert len(everything) == len(set(everything)) == before + asked[0] == asked[1]
    assert as_bytes(told(out)) == as_bytes(told(tmp_path / "straight"))


def as_bytes(form: dict[str, Any]) -> bytes:
    return json.dumps(form).encode()
