"""`kith up` as whoever started it sees it: how it ends, and what it leaves behind."""

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.ports import free_base

ROOT = Path(__file__).resolve().parents[2]
STARTED = ("assistant", "detection")

pytestmark = pytest.mark.timeout(300)


Up = subprocess.Popen[str]


@contextmanager
def up(folder: Path, *options: str, port: int = 0, stdout: int = subprocess.PIPE) -> Iterator[Up]:
    """Runs it, with `folder` for what is temporary."""
    command = [sys.executable, "-m", "tests.runtime.up", "up", "--port", str(port or free_base())]
    environment = {**os.environ, "TMPDIR": str(folder), "TERM": "xterm"}
    with subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        env=environment,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def ready(process: Up) -> None:
    """Reads what it says until all is ready."""
    assert process.stdout
    waiting = set(STARTED)
    while waiting:
        line = process.stdout.readline()
        assert line, "it has ended"
        waiting -= {name for name in waiting if line.startswith(f"{name} is ready: ")}


def ended(process: Up) -> tuple[int, str, str]:
    said, failed = process.communicate(timeout=60)
    return process.returncode, said or "", failed


def children_of(process: Up) -> dict[str, int]:
    """The process of each service."""
    pid = process.pid
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return {
        Path(f"/proc/{child}/cmdline").read_text().split("\0")[-2]: int(child) for child in listed
    }


def test_nothing_is_left_behind_when_all_went_well(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        ready(process)
        (folder,) = tmp_path.glob("kith-up-*")
        assert (folder / "detection.log").exists()
        process.send_signal(signal.SIGINT)
        code, _, failed = ended(process)
    assert (code, failed) == (0, "")
    assert not list(tmp_path.glob("kith-up-*"))


def test_the_logs_are_kept_and_named_when_a_service_was_killed(tmp_path: Path) -> None:
    with up(tmp_path) as process:
        ready(process)
        os.kill(children_of(process)["detection"], signal.SIGKILL)
        assert process.stdout
        assert process.stdout.readline() == "detection has died: killed by signal 9 (Killed)\n"
        process.send_signal(signal.SIGINT)
        code, said, _ = ended(process)
    (folder,) = tmp_path.glob("kith-up-*")
    assert code == 0
    assert "".join(said.split("\n")).endswith(f"died: detection; the logs are in {folder}")


def test_a_port_that_is_taken_is_named_before_anything_starts(tmp_path: Path) -> None:
    port = free_base()
    with socket.create_server(("127.0.0.1", port + 1)), up(tmp_path, port=port) as process:
        code, said, failed = ended(process)
    assert code == 1
    assert failed.startswith(f"kith: port: detection can't listen on 127.0.0.1:{port + 1} (Address")
    assert "--port" in failed
    assert " is ready" not in said
    assert not list(tmp_path.glob("kith-up-*"))


def test_no_service_outlives_one_that_was_killed(tmp_path: Path) -> None:
    with up(tmp_path, "--logs", str(tmp_path / "logs")) as process:
        ready(process)
        children = children_of(process)
        process.kill()
        until = time.monotonic() + 60
        while any(Path(f"/proc/{child}").exists() for child in children.values()):
            assert time.monotonic() < until, "a service is an orphan"
            time.sleep(0.1)
    for name in STARTED:
        assert stopped_in_order(tmp_path / "logs", name)


def test_a_closed_terminal_stops_all_in_order(tmp_path: Path) -> None:
    ours, its = pty.openpty()
    with up(tmp_path, "--logs", str(tmp_path / "logs"), stdout=its) as process:
        os.close(its)
        shown = b""
        while shown.rpartition(b"service")[2].count(b"ready") < len(STARTED):  # in the last table
            shown += os.read(ours, 4096)
        os.close(ours)
        process.send_signal(signal.SIGHUP)
        code, _, failed = ended(process)
    assert (code, failed) == (0, "")
    for name in STARTED:
        assert stopped_in_order(tmp_path / "logs", name)


def test_a_reader_that_leaves_stops_all_in_order(tmp_path: Path) -> None:
    with up(tmp_path, "--logs", str(tmp_path / "logs")) as process:
        ready(process)
        children = children_of(process)
        assert process.stdout
        process.stdout.close()
        os.kill(children["detection"], signal.SIGKILL)  # of which there is something to say
        assert process.wait(60) == 0
        assert process.stderr
        assert process.stderr.read() == ""
    assert stopped_in_order(tmp_path / "logs", "assistant")


def stopped_in_order(logs: Path, name: str) -> bool:
    return (logs / f"{name}.log").read_text(encoding="utf-8").endswith("stopped in order\n")
