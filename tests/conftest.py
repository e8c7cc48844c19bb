"""What holds for every test: warnings aside, no network, no home, no settings, few threads."""

import logging
import os
import signal
import socket
import tempfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

_open_image = Image.open

_home = tempfile.TemporaryDirectory(prefix="kith-tests-", ignore_cleanup_errors=True)

# Set before torch or Ultralytics is imported: both read these only once. Child processes inherit
# them, and so do fixtures that live longer than one test.
os.environ.update(
    OMP_NUM_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    MKL_NUM_THREADS="1",
    TOKENIZERS_PARALLELISM="false",
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    YOLO_OFFLINE="1",
    YOLO_AUTOINSTALL="false",
    YOLO_CONFIG_DIR=_home.name,
    HOME=_home.name,
    MPLBACKEND="Agg",
    NO_COLOR="1",
    TERM="dumb",
    COLUMNS="100",
)


# A shell has it ignored in what it starts in the background, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Name the versions on which a failure may depend."""
    names = ("torch", "transformers", "ultralytics", "open_clip_torch", "qdrant-edge-py", "grpcio")
    return "versions: " + ", ".join(f"{name} {metadata.version(name)}" for name in names)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the files whose tests may take long: begun last, one core waits for the other."""
    longest: dict[Path, float] = {}
    for item in items:
        marked = item.get_closest_marker("timeout")
        limit = (*marked.args, *marked.kwargs.values())[0] if marked else 0
        longest[item.path] = max(longest.get(item.path, 0), limit)
    items.sort(key=lambda item: -longest[item.path])


@pytest.fixture(autouse=True)
def _own_log() -> Iterator[None]:
    """A server that a test started logs to that test's standard error, which ends with it."""
    yield
    for handler in logging.getLogger().handlers[:]:
        if type(handler) is logging.StreamHandler:
            logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _own_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ultralytics, where a test imports it itself, puts another in the place of Pillow's."""
    monkeypatch.setattr(Image, "open", _open_image)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Point every place a program may write to at an empty folder, and drop the user's settings."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in [name for name in os.environ if name.startswith("KITH_")]:
        monkeypatch.delenv(name)


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """Refuse every connection that leaves this machine, naming the address."""

    def is_near(address: object) -> bool:
        host = address[0] if isinstance(address, tuple) else address
        return isinstance(host, str | bytes) and (
            host in ("localhost", "::1", "") or str(host).startswith(("127.", "/"))
        )

    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(original: object) -> object:
        def call(self: socket.socket, address: object) -> object:
            if self.family != socket.AF_UNIX and not is_near(address):
                pytest.fail(f"a test tried to reach {address!r}; tests run without a network")
            return original(self, address)  # type: ignore[operator]

        return call

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded(connect))
        patch.setattr(socket.socket, "connect_ex", guarded(connect_ex))
        yield
