"""How far a long command is: a bar on a terminal, or lines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

Tell = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is."""

EVERY_S = 30.0
"""Between two lines."""


@contextmanager
def told() -> Iterator[Tell]:
    """Tells how far a command of hours is: by a bar, or where there is no terminal, by lines.

    A line is written to standard error every 30 seconds, if there is news by then.
    """
    if not Console(stderr=True).is_terminal:
        with _lines() as tell:
            yield tell
        return
    with bar() as shown:
        task = shown.add_task("")
        yield lambda what, done, of: shown.update(task, total=of, completed=done, description=what)


@contextmanager
def _lines() -> Iterator[Tell]:
    news: list[str] = []
    over = Event()

    def write() -> None:
        said = ""
        while not over.wait(EVERY_S):
            if news and news[0] != said:
                said = news[0]
                sys.stderr.write(f"{said}\n")
                sys.stderr.flush()

    def tell(what: str, done: int, of: int) -> None:
        news[:] = [f"{done:,} of {of:,}: {what}"]

    writer = Thread(target=write, name="kith-lines", daemon=True)
    writer.start()
    try:
        yield tell
    finally:
        over.set()
        writer.join()


@contextmanager
def bar() -> Iterator[Progress]:
    """A bar on standard error, on a terminal alone; nothing is left of it."""
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        yield shown
