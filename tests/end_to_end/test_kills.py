"""Each service is killed under load, over and over: no acknowledged edit is lost, all recovers."""

import asyncio
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from kith import Client
from kith.errors import KithError, Overloaded, Unavailable
from services.runtime.children import Child
from services.runtime.deployment import deployment
from services.runtime.probe import is_ready
from services.runtime.settings import CallerSettings
from tests.end_to_end.test_up import PICTURE, free_base

ROUNDS = 4
"""In each, every one of the five services is killed once: 20 kills."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Fleet:
    """The services, each started and killed by itself."""

    def __init__(self, port: int, folder: Path) -> None:
        environment = os.environ | {"KITH_MEMORY": str(folder / "memory")}
        made = deployment(environment, port, folder, open_vocabulary=False)
        self.children = {child.name: child for child in made}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder

    def start(self, name: str) -> None:
        child = self.children[name]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                child.command, env=child.environment, stdout=subprocess.DEVNULL, stderr=log
            )

    def kill(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGKILL)
        self._processes[name].wait()

    def wait_for(self, child: Child) -> None:
        until = time.monotonic() + 300
        while not asyncio.run(is_ready(child.health, CallerSettings())):
            assert time.monotonic() < until, f"{child.name} does not come up"
            time.sleep(0.3)

    def kill_all(self) -> None:
        for process in self._processes.values():
            process.kill()
            process.wait()


@contextmanager
def fleet(folder: Path) -> Iterator[Fleet]:
    made = Fleet(free_base(), folder)
    try:
        for name in made.children:
            made.start(name)
        for child in made.children.values():
            made.wait_for(child)
        yield made
    finally:
        made.kill_all()


class Load:
    """Callers who go on whatever happens, and write down what did."""

    def __init__(self, address: str) -> None:
        self.acknowledged: list[str] = []
        self.answers = 0
        self.errors: list[KithError] = []
        self._address = address
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._go_on, args=(act,)) for act in (self._remember, self._ask)
        ]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def wait_for_more(self) -> None:
        """Until both callers get what they ask for again."""
        edits, answers, until = len(self.acknowledged), self.answers, time.monotonic() + 120
        while len(self.acknowledged) == edits or self.answers == answers:
            assert time.monotonic() < until, f"nothing gets done any more: {self.errors[-3:]}"
            time.sleep(0.1)

    def _go_on(self, act: Callable[[Client, int], None]) -> None:
        with Client(self._address) as kith:
            for number in count():
                if self._over.wait(0.05):
                    return
                try:
                    act(kith, number)
                except KithError as error:
                    self.errors.append(error)

    def _remember(self, kith: Client, number: int) -> None:
        name = f"n{number}"
        kith.remember(name, PICTURE, category="dog", description="A dog.")
        self.acknowledged.append(name)

    def _ask(self, kith: Client, number: int) -> None:
        kith.ask("Who is this?", PICTURE)
        self.answers += 1


def test_no_kill_loses_an_edit_and_all_recovers_without_a_restart_of_the_others(
    tmp_path: Path,
) -> None:
    with fleet(tmp_path) as services:
        address = services.children["assistant"].address
        with Load(address) as load:
            load.wait_for_more()
            for _ in range(ROUNDS):
                for name, child in services.children.items():
                    services.kill(name)
                    time.sleep(0.5)
                    services.start(name)
                    services.wait_for(child)
                    load.wait_for_more()
        strange = [e for e in load.errors if not isinstance(e, Unavailable | Overloaded)]
        assert strange == []
        with Client(address) as kith:
            there = {concept.display_name for concept in kith.list_concepts()}
        assert set(load.acknowledged) <= there
