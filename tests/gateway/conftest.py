"""One gateway for all tests of the room; each test is a user of its own."""

import itertools
from collections.abc import Iterator

import httpx
import pytest

from tests.gateway.world import Gateway, Talker, running

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with running(tmp_path_factory.mktemp("memories")) as started:
        yield started


@pytest.fixture
def user() -> str:
    """Somebody nobody else has been."""
    return f"user{next(_numbers)}"


@pytest.fixture
def http(gateway: Gateway, user: str) -> Iterator[httpx.Client]:
    """That user's HTTP client."""
    with gateway.client(user) as client:
        yield client


@pytest.fixture
def parrot(gateway: Gateway) -> Iterator[Talker]:
    """The language model, as if nobody had ever asked it, and left like that."""
    parrot, fresh = gateway.parrot, Talker()
    vars(parrot).update(vars(fresh))
    yield parrot
    vars(parrot).update(vars(Talker()))
