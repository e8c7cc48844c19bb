"""The real assistant over real memories in a process of its own; only its models are painted ones.

    python -m tests.reliability.painted FOLDER

For every line it reads it starts such a process, prints its id and its port, and `ended` when that
has ended. Forked from one that has everything imported, it listens within a fraction of a second;
with the pocket models a start takes several, and what a photo shows would be their opinion, where
here it can be computed by hand.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from kith import Client
from memory_db import ConceptStore, MemoryPlace, edge
from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime import images
from services.runtime.logs import start_logging
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
    open_store,
    paint,
)

LOOKS: Final = (0, 40, 80)
"""So far apart that none of one category is taken for another; four degrees off, each still is."""


class Painted:
    """The process, started and killed at will; its memories and its log lie in `folder`."""

    pid: int

    def __init__(self, folder: Path, runner: Sequence[str] = ()) -> None:
        self.log = folder / "log"
        self.memory = folder / "memory"
        self.folder = folder
        program = [sys.executable, "-m", "tests.reliability.painted", str(self.memory)]
        self._command = [*runner, *program]
        self.open()

    def open(self) -> None:
        """Start what starts it; after `close`, anew."""
        with self.log.open("ab") as log:
            self._nursery = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
            )

    def start(self) -> None:
        """Returns once it listens."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(b"\n")
        self._nursery.stdin.flush()
        told = self._told()
        assert told[0] != "ended", f"it did not start: {self.log.read_text('utf-8')[-2000:]}"
        self.pid = int(told[0])
        self.address = f"127.0.0.1:{told[1]}"

    @property
    def alive(self) -> bool:
        """Whether it has not ended by itself."""
        return Path(f"/proc/{self.pid}").exists()

    def kill(self) -> None:
        """With SIGKILL."""
        assert self.alive, f"it has ended: {self.log.read_text('utf-8')[-2000:]}"
        os.kill(self.pid, signal.SIGKILL)
        assert self._told() == ["ended"]

    def close(self) -> None:
        """The end of it, and of what it has started."""
        self._nursery.kill()
        self._nursery.communicate()

    def _told(self) -> list[str]:
        assert self._nursery.stdout is not None
        return self._nursery.stdout.readline().decode().split()

    def client(self, user: str = "me") -> Client:
        """A new connection."""
        return Client(self.address, user=user, timeout_s=30)

    def astray(self, store: ConceptStore) -> set[str]:
        """Photos that are a file and of no view of the only memory with any, or the reverse.

        Counted beside the store, whose own repair is what is tried.
        """
        listed = store.list(forgotten_too=True).concepts
        there = {view.blob for concept in listed for view in concept.views}
        return there ^ {path.name for path in self.memory.glob("**/photos/*") if path.is_file()}


@contextmanager
def painted(folder: Path) -> Iterator[Painted]:
    """The process, running."""
    made = Painted(folder)
    try:
        made.start()
        yield made
    finally:
        made.close()


def photo_of(category: str, looks: int) -> bytes:
    """A photo of one thing."""
    return images.encode(paint(Thing(category, looks)))


async def serve(folder: Path) -> None:
    edge._FLUSH_EVERY = 4  # so that whatever happens meets flushes too
    start_logging("info")
    stages = Stages(PaintDetector(), PaintEmbedder(), Parrot(), STRANGER_DISTANCE, 0.1)
    place = MemoryPlace(folder)
    stores = Stores(lambda user: open_store(place, user))
    service = servicer.service(Assistant(method("kith"), stages, stores))
    async with Server(ServerSettings(port=0), [service]) as server:
        await server.ready()
        os.write(1, f"{os.getpid()} {server.port}\n".encode())
        await server.until_stopped()
    await stores.close()


def end_with_parent() -> None:
    """Whoever started this is killed: then so is this."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def main(folder: Path) -> None:
    end_with_parent()
    while sys.stdin.readline():
        child = os.fork()
        if not child:
            end_with_parent()
            asyncio.run(serve(folder))
            os._exit(0)
        os.waitpid(child, 0)
        os.write(1, b"ended\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
