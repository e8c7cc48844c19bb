"""What the tests of the service share: stripes for datasets and methods, and servers."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from evaluation import extent
from evaluation.service import measuring
from evaluation.service.serve import books_of, services
from evaluation.service.settings import EvaluationSettings
from evaluation.statistics import bootstrap
from evaluation.systems.assistant import Remote
from evaluation.tasks import numbers
from kith.errors import Unavailable
from tests.evaluation.service.calling import QUICK, Caller
from tests.evaluation.stripes import StripeSystem, write_further, write_world
from tests.runtime.serving import served
from tests.tokens import write_tokens

Serving = Callable[..., AbstractAsyncContextManager[Caller]]


class Street:
    """What listens at which address."""

    def __init__(self) -> None:
        self.houses = {"kith:1": StripeSystem("kith"), "rap:1": StripeSystem("rap", near=2.0)}
        self.remotes: list[Remote] = []

    def behind(self, remote: Remote, memory: Path) -> AbstractAsyncContextManager[Any]:
        """As `evaluation.systems.assistant.behind`."""
        self.remotes.append(remote)
        if remote.server not in self.houses:
            raise Unavailable(f"nobody answers at {remote.server}", reason="RPC_UNAVAILABLE")
        opened: Any = self.houses[remote.server].opened()
        return opened  # type: ignore[no-any-return]

    @property
    def asked(self) -> int:
        """Questions so far."""
        return sum(len(house.asked) for house in self.houses.values())


@pytest.fixture
def street(monkeypatch: pytest.MonkeyPatch) -> Street:
    made = Street()
    monkeypatch.setattr(measuring, "behind", made.behind)
    monkeypatch.setattr(numbers, "bootstrap", partial(bootstrap, draws=10))
    monkeypatch.setattr(extent, "QUICK", QUICK)
    return made


@pytest.fixture
def slow_street(street: Street) -> Street:
    """Each question takes so long that a call surely comes between two."""
    for house in street.houses.values():
        house.fails = lambda question: time.sleep(0.05)  # type: ignore[assignment, func-returns-value]
    return street


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "root"
    (folder / "datasets").mkdir(parents=True)
    # As an operator does who has it elsewhere already.
    (folder / "datasets" / "world").symlink_to(write_world(tmp_path / "elsewhere"))
    for name in ("outside", "outside-multi"):
        (tmp_path / "elsewhere" / name).rename(folder / "datasets" / name)
    write_further(folder / "datasets").rename(folder / "datasets" / "distractors")
    return folder


@pytest.fixture
def serving(root: Path, tmp_path: Path, street: Street) -> Serving:
    """Serves the folder, with two users; every call of it is another process to the folder."""
    tokens = write_tokens(tmp_path / "tokens", ann="ann", bob="bob")

    @asynccontextmanager
    async def serve(*, works: bool = True, **settings: Any) -> AsyncIterator[Caller]:  # noqa: ANN401
        known = {"kith": "kith:1", "rap": "rap:1", "gone": "gone:1"}
        books = books_of(
            EvaluationSettings(evaluation_dir=root, evaluation_methods=known, **settings)
        )
        if works:
            books.workshop.open()
        try:
            async with served(*services(books), tokens_file=tokens) as channel:
                yield Caller(channel, "ann")
        finally:
            books.workshop.close()

    return serve
