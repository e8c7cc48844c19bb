"""The services as processes of their own, each started and killed by itself."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.runtime.children import Child
from services.runtime.deployment import deployment
from services.runtime.probe import is_ready
from services.runtime.settings import CallerSettings
from tests.ports import free_base


class Fleet:
    """The services, and the memory they keep: with the pocket models, or those of a folder."""

    def __init__(self, port: int, folder: Path, weights: str | None) -> None:
        environment = os.environ | {"KITH_MEMORY": str(folder / "memory")}
        if weights:
            environment |= {"KITH_PROFILE": "full", "KITH_WEIGHTS": weights}
        made = deployment(environment, port, folder, open_vocabulary=weights is not None)
        self.children = {child.name: child for child in made}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._folder = folder

    def start(self, name: str) -> None:
        child = self.children[name]
        with (self._folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                child.command,
                env=child.environment,
                stdin=subprocess.PIPE,  # it stops when this ends
                stdout=subprocess.DEVNULL,
                stderr=log,
            )

    def kill(self, name: str) -> None:
        self._processes[name].kill()
        self._processes[name].communicate()  # closes its standard input, too

    def wait_for(self, child: Child) -> None:
        until = time.monotonic() + 300
        while not asyncio.run(is_ready(child.health, CallerSettings())):
            assert time.monotonic() < until, f"{child.name} does not come up"
            time.sleep(0.3)

    def kill_all(self) -> None:
        for name in self._processes:
            self.kill(name)


@contextmanager
def fleet(folder: Path, weights: str | None = None) -> Iterator[Fleet]:
    made = Fleet(free_base(), folder, weights)
    try:
        for name in made.children:
            made.start(name)
        for child in made.children.values():
            made.wait_for(child)
        yield made
    finally:
        made.kill_all()
