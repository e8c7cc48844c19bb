"""The whole product in two processes, the assistant with its models and the gateway, watched."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

_users = itertools.count(1)


class Use(NamedTuple):
    """What a process holds at a moment."""

    memory_mib: float
    """Resident."""
    files: int
    """Descriptors that are open."""
    threads: int


@dataclass(frozen=True)
class Service:
    """A process of ours that serves."""

    address: str
    """HOST:PORT."""
    log: Path
    process: "subprocess.Popen[str]"

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def use(self) -> Use:
        about = Path(f"/proc/{self.process.pid}")
        status = self._status()
        files = len(list((about / "fd").iterdir()))
        return Use(_mib(status["VmRSS"]), files, int(status["Threads"]))

    def loop_waits(self) -> float:
        """Seconds that its main thread, which runs the event loop, has waited for a core."""
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/schedstat").read_text(
            "ascii"
        )
        return int(text.split()[1]) / 1e9

    def peak_mib(self) -> float:
        """The most memory it ever had."""
        return _mib(self._status()["VmHWM"])

    def _status(self) -> dict[str, str]:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return dict(line.split(":\t", 1) for line in text.splitlines())


@dataclass(frozen=True)
class Whole:
    """Both of them, and the memory they keep."""

    assistant: Service
    gateway: Service
    memory: Path

    @property
    def url(self) -> str:
        return f"http://{self.gateway.address}"

    @property
    def services(self) -> dict[str, Service]:
        return {"assistant": self.assistant, "gateway": self.gateway}

    def logs(self) -> bytes:
        return b"".join(service.log.read_bytes() for service in self.services.values())


@contextmanager
def started(folder: Path, **environment: str) -> Iterator[Whole]:
    """Both processes with the pocket models, once they are ready; memory and logs in `folder`."""
    memory = folder / "memory"
    with ExitStack() as stack:
        settings = os.environ | {"KITH_MEMORY": str(memory)} | environment
        assistant = stack.enter_context(serving(folder / "assistant.log", settings))
        settings |= {"KITH_ASSISTANT": assistant.address}
        gateway = stack.enter_context(serving(folder / "gateway.log", settings, "gateway"))
        yield Whole(assistant, gateway, memory)


@contextmanager
def serving(log: Path, environment: Mapping[str, str], *service: str) -> Iterator[Service]:
    """One of them: `kith serve SERVICE` on a free port."""
    tied = [sys.executable, "-P", "-m", "services.runtime.tied", "kith.cli", "serve"]
    with (
        log.open("wb") as told,
        subprocess.Popen(
            [*tied, *service],
            env={**environment, "KITH_PORT": "0"},
            stdin=subprocess.PIPE,  # it stops when this ends
            stdout=subprocess.PIPE,
            stderr=told,
            text=True,
        ) as process,
    ):
        try:
            yield Service(_address(process), log, process)
        finally:
            process.kill()


def _address(process: "subprocess.Popen[str]") -> str:
    """Where it listens, once it is ready."""
    assert process.stdout
    address = ""
    for line in process.stdout:
        if " listening on " in line:
            address = line.split()[-1]
        if line.strip().endswith("ready"):
            return address
    raise RuntimeError("the service has ended before it was ready")


def _mib(kib: str) -> float:
    return int(kib.split()[0]) / 1024


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """One for all tests of the room, as talkative as it gets; each is a user of its own."""
    with started(tmp_path_factory.mktemp("whole"), KITH_LOG_LEVEL="debug") as running:
        yield running


@pytest.fixture
def user() -> str:
    """Somebody nobody else has been."""
    return f"user{next(_users)}"
