"""A fake server, and clients of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kith.cli import main
from kith.client import Client
from tests.kith.fake import FakeAssistant, serving

Run = Callable[..., int]


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def address(assistant: FakeAssistant) -> Iterator[str]:
    with serving(assistant) as where:
        yield where


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as kith:
        yield kith


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "bo.png"
    path.write_bytes(b"a photo")
    return path


@pytest.fixture
def kith(address: str) -> Run:
    """Run the command line against the fake server."""

    def run(*arguments: object) -> int:
        return main(["--server", address, *map(str, arguments)])

    return run
