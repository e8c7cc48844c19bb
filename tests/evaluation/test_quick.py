"""The quick offline bench by the command that people type: killed twice, and gone on with."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evaluation import headline, results
from kith.cli import main
from tests.evaluation.test_killed import ROOT, written
from tests.evaluation.test_run import lines


@pytest.mark.timeout(1500)
def test_the_whole_of_it_comes_to_its_headline_though_it_was_killed_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", "--quick", "--out", str(out)]
    for enough in (300, 1500):
        killed(command, out, enough)
    before = lines(out)
    assert main(["evaluate", "report", str(out)]) == 0
    assert "The run is not complete" in (out / "report.html").read_text(encoding="utf-8")
    capsys.readouterr()

    assert main(command) == 0

    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("kith: recognition accuracy ")
    assert "; rap: recognition accuracy " in last
    assert "; none: recognition accuracy " in last
    everything = lines(out)
    assert len(everything) == len(set(everything))
    assert set(before) < set(everything)
    found = results.read(out)
    assert found.complete
    told = headline.form(found)["headline"]
    for what in ("F1", "captions of one concept: F1"):
        assert told["kith"][what] > max(told["rap"][what], told["none"][what])
    assert told["kith"]["strangers named"] < told["rap"]["strangers named"]


def killed(command: list[str], out: Path, enough: int) -> None:
    """Run until so many lines are written, and not a moment longer."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-m", "kith.cli", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
    ) as process:
        while written(out) < enough and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
