"""A real vLLM, as `make vllm` starts it."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".venv-vllm" / ".installed"

# Read at once: no test sees the settings of whoever runs it.
_WANTED = os.environ.get("KITH_TEST_VLLM")


class Vllm:
    """A server of our own, on a port that stays the same when it is started again."""

    def __init__(self, log: Path, **variables: str) -> None:
        self._log = log
        self._variables = [f"{name}={value}" for name, value in variables.items()]
        self._process: subprocess.Popen[bytes] | None = None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1"

    def start(self, patience_s: float = 600) -> None:
        """Starts it and waits until it serves."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                ["make", "vllm", f"PORT={self._port}", *self._variables],
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + patience_s
        while "200 OK" not in _head(self.url.removesuffix("/v1") + "/health"):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"vLLM did not start: {self._log.read_text(errors='replace')}")
            time.sleep(1)

    def send(self, number: signal.Signals) -> None:
        """Sends a signal to all its processes."""
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """Ends it without a farewell."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait()
            self._process = None


def metric(url: str, name: str) -> float:
    """The sum of a metric of the vLLM whose API is at `url`."""
    _, _, text = _get(url.removesuffix("/v1") + "/metrics").partition("\r\n\r\n")
    return sum(
        sample.value
        for family in text_string_to_metric_families(text.replace("\r\n", "\n"))
        for sample in family.samples
        if sample.name == name
    )


def _head(url: str) -> str:
    try:
        return _get(url).split("\r\n", 1)[0]
    except OSError:
        return ""


def _get(url: str) -> str:
    """A response, head and body, of a server that closes the connection after it."""
    where = urlsplit(url)
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(f"GET {where.path} HTTP/1.0\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


@contextmanager
def started(log: Path, **variables: str) -> Iterator[Vllm]:
    """A server that a test may stop and start; `variables` are those of `make vllm`."""
    if _WANTED != "start":
        pytest.skip("set KITH_TEST_VLLM=start to have a vLLM started")
    if not INSTALLED.exists():
        pytest.skip("vLLM is not installed: make vllm")
    server = Vllm(log, **variables)
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def own_vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """A server of our own with the pocket language model."""
    with started(tmp_path_factory.mktemp("vllm") / "log") as server:
        yield server


@pytest.fixture(scope="session")
def vllm_url(request: pytest.FixtureRequest) -> str:
    if not _WANTED:
        pytest.skip("set KITH_TEST_VLLM to the URL of what make vllm starts, or to start")
    if _WANTED != "start":
        return _WANTED
    server: Vllm = request.getfixturevalue("own_vllm")
    return server.url
