"""A server that is a process of its own, and is ended in the middle of its work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENDS = (signal.SIGKILL, signal.SIGTERM)

Process = tuple["subprocess.Popen[str]", str]
"""A server that is ready, and its address."""


@contextmanager
def serving(program: str, *arguments: Path, **variables: str) -> Iterator[Process]:
    """A program that ends with `kith --json serve`, once it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout
        listening = json.loads(process.stdout.readline())["state"]
        assert json.loads(process.stdout.readline())["state"] == "ready"
        try:
            yield process, listening.removeprefix("listening on ")
        finally:
            process.kill()


def end(process: "subprocess.Popen[str]", how: signal.Signals, half: Callable[[], bool]) -> None:
    """Ends a server once `half` of its work is done."""
    while not half():
        assert process.poll() is None
        time.sleep(0.001)
    process.send_signal(how)
    process.wait()
