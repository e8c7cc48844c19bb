"""Services as child processes of this one: started together, watched, stopped in order."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Final

from services.runtime.address import refuse_taken
from services.runtime.probe import is_ready
from services.runtime.settings import CallerSettings

_LOOK_S: Final = 0.5
"""How often a service is asked for its health."""


class State(Enum):
    """What is known of a service."""

    STARTING = "starting"
    READY = "ready"
    NOT_READY = "not ready"
    """It was, and is no longer."""
    STOPPING = "stopping"
    STOPPED = "stopped"
    DIED = "died"
    """Its process has ended, and nobody had asked it to."""


@dataclass
class Child:
    """A service in a process of its own."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    address: str
    """Where people and programs find it."""
    health: str
    """Where to ask for its health, see `probe.is_ready`."""
    state: State = State.STARTING
    said: str = ""
    """Of one that has died: the signal that killed it, or the last line of its log."""
    process: asyncio.subprocess.Process | None = field(default=None, repr=False)


class Children:
    """Runs services until they are to stop, or none is left.

    Args:
        children: In the order in which they stop: whoever calls others stands before them.
        settings: Whom to trust when asking for their health.
        logs: An existing folder; each child's standard error goes to NAME.log in it. Standard input
            is a pipe that ends with this process, see `services.runtime.tied`.
        changed: Told of each child whose state is another than before.
    """

    def __init__(
        self,
        children: Sequence[Child],
        settings: CallerSettings,
        logs: Path,
        changed: Callable[[Child], None],
    ) -> None:
        self._children = children
        self._settings = settings
        self._logs = logs
        self._changed = changed
        # A child is killed if it takes longer to stop than it gives to its running calls.
        self._patience_s = settings.grace_s + 5

    async def run(self, stop: asyncio.Event) -> None:
        """Returns when all have ended: by themselves, or once `stop` is set.

        Raises:
            Refused: Somebody else listens where one of them should, and would pass for it.
        """
        for child in self._children:
            refuse_taken(child.address, child.name)
        async with AsyncExitStack() as cleanup:
            lifeline = cleanup.enter_context(_lifeline())
            for child in self._children:
                child.process = await self._start(child, lifeline)
                cleanup.callback(_kill, child.process)
            watching = [asyncio.create_task(self._watch(child)) for child in self._children]
            asked = asyncio.create_task(stop.wait())
            over = asyncio.gather(*watching)
            either: list[asyncio.Future[Any]] = [asked, over]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            asked.cancel()
            for child in self._children:
                await self._stop(child)
            await over

    async def _start(self, child: Child, lifeline: int) -> asyncio.subprocess.Process:
        with self._log_of(child).open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *child.command,
                env=child.environment,
                stdin=lifeline,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                # Ctrl-C is for us alone: the children are told to stop in order.
                start_new_session=True,
            )

    async def _watch(self, child: Child) -> None:
        """Follows a child's state until its process ends."""
        assert child.process is not None
        ended = asyncio.create_task(child.process.wait())
        while not ended.done():
            if child.state is not State.STOPPING:
                ready = await is_ready(child.health, self._settings)
                if child.process.returncode is None:  # else somebody else has answered
                    self._enter(child, _next(child.state, ready=ready))
            await asyncio.wait({ended}, timeout=_LOOK_S)
        if child.state is State.STOPPING:
            self._enter(child, State.STOPPED)
        else:
            child.said = _last_words(ended.result(), self._log_of(child))
            self._enter(child, State.DIED)

    async def _stop(self, child: Child) -> None:
        process = child.process
        if process is None or process.returncode is not None:
            return
        self._enter(child, State.STOPPING)
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self._patience_s)
        except TimeoutError:
            _kill(process)

    def _log_of(self, child: Child) -> Path:
        return self._logs / f"{child.name}.log"

    def _enter(self, child: Child, state: State) -> None:
        if child.state is not state:
            child.state = state
            self._changed(child)


@contextmanager
def _lifeline() -> Iterator[int]:
    """A pipe of which only we hold the end that is written to."""
    reading, writing = os.pipe()
    try:
        yield reading
    finally:
        os.close(reading)
        os.close(writing)


def _last_words(code: int, log: Path) -> str:
    """Why a process ended that nobody had asked to."""
    if code < 0:  # what stands last in its log has nothing to do with it
        return f"killed by signal {-code} ({signal.strsignal(-code)})"
    if code == 0:
        return "it ended by itself, without an error"
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with code {code}"


def _next(state: State, *, ready: bool) -> State:
    if state is State.STOPPING:  # it was told to while we asked
        return state
    if ready:
        return State.READY
    return State.STARTING if state is State.STARTING else State.NOT_READY


def _kill(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.kill()
