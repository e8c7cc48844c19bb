"""`kith up` with the pocket models: real processes, wired by addresses, killed and brought back."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kith import Client
from tests.ports import free_base

SERVICES = {"gateway", "assistant", "detection", "embedding", "generation"}
PICTURE = Path(__file__).resolve().parents[2] / "examples" / "pictures" / "bo.png"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


class Up:
    """A running `kith up`, and what it says of its services."""

    def __init__(self, process: "subprocess.Popen[str]", port: int) -> None:
        self._process = process
        self.pid = process.pid
        self.port = port
        self.states: dict[str, str] = {}

    def wait_for(self, state: str, names: set[str]) -> None:
        """Reads what it says until these are all in this state."""
        assert self._process.stdout
        while not all(self.states.get(name) == state for name in names):
            line = self._process.stdout.readline()
            assert line, f"kith up has ended, with {self.states}"
            said: dict[str, Any] = json.loads(line)
            if "service" in said:
                self.states[said["service"]] = said["state"]


@contextmanager
def running(folder: Path) -> Iterator[Up]:
    port = free_base()
    logs = folder / "logs"
    command = [sys.executable, "-P", "-m", "kith.cli", "--json", "--memory", str(folder / "memory")]
    command += ["up", "--port", str(port), "--logs", str(logs)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Up(process, port)
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
    assert process.returncode == 0
    for log in logs.iterdir():
        assert "Traceback" not in log.read_text(encoding="utf-8"), log.name


def children_of(pid: int) -> dict[str, int]:
    """The process of each service."""
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    commands = {
        int(child): Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0") for child in listed
    }
    return {words[-2].decode(): child for child, words in commands.items()}


def test_all_services_come_up_and_each_may_die_alone(tmp_path: Path) -> None:
    with running(tmp_path) as up:
        up.wait_for("ready", SERVICES)
        with Client(f"127.0.0.1:{up.port}") as kith:
            kith.remember("bo", PICTURE, category="dog")
            assert kith.ask("Who is this?", PICTURE).text is not None
            with Client(f"127.0.0.1:{up.port + 5}") as rap:  # over the same memory
                assert rap.capabilities().method == "rap"
                assert [one.display_name for one in rap.list_concepts()] == ["bo"]
            os.kill(children_of(up.pid)["generation"], signal.SIGKILL)
            up.wait_for("died", {"generation"})
            # What needs no language model goes on; what does says what is missing.
            assert [one.display_name for one in kith.list_concepts()] == ["bo"]
            assert kith.retrieve(PICTURE).regions
            answer = kith.ask("Who is this?", PICTURE)
            assert answer.text.startswith("Seen here: <bo>.")
            assert answer.degradation
            assert answer.degradation.loss == "words"
