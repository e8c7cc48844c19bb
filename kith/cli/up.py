"""The command that runs all services on this machine, each in a process of its own."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import Annotated, Protocol

import typer
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kith.cli.options import Context
from kith.cli.server import settings_of
from kith.cli.session import Session
from kith.errors import Unavailable
from kith.local import server_module

app = typer.Typer()


class Child(Protocol):
    """What is shown of a `services.runtime.children.Child`."""

    name: str
    address: str
    said: str
    state: Enum


_STYLES = {"ready": "green", "not ready": "red", "died": "bold red"}


@app.command()
def up(
    context: Context,
    host: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Where the gateway listens; left out, KITH_HOST or 127.0.0.1. The others listen "
            "on 127.0.0.1.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(
            min=1,
            max=65525,
            help="Of the assistant. Detection, embedding and generation take the next ones, the "
            "gateway that ten further.",
        ),
    ] = 7450,
    logs: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where each service logs; left out, a new folder, kept only if one dies.",
        ),
    ] = None,
) -> None:
    """Run every service on this machine, each in its own process, and show how they are.

    KITH_... variables reach all of them. What dies is not started again, but whoever starts it by
    hand, as in 'kith serve detection', gives it back to the others. Ctrl-C stops all.
    """
    session = context.obj
    session.refuse_server("up")
    settings = settings_of(session, "assistant")
    profile = server_module("services.runtime.profile").Profile.load(
        settings.profile, settings.weights
    )
    folder = logs or Path(tempfile.mkdtemp(prefix="kith-up-"))
    folder.mkdir(parents=True, exist_ok=True)
    children = server_module("services.runtime.deployment").deployment(
        os.environ | _chosen(session, host),
        port,
        folder,
        open_vocabulary=profile.detector_text is not None,
    )
    try:
        asyncio.run(_run(session, children, settings, folder))
    finally:
        if logs is None and not _died(children):
            shutil.rmtree(folder)


async def _run(session: Session, children: Sequence[Child], settings: object, folder: Path) -> None:
    stop = asyncio.Event()

    def unseen() -> None:
        """Stops all, in order and in silence: a terminal that was closed takes no word."""
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        stop.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, unseen)
    with _shown(session, children, folder) as show:

        def changed(child: Child) -> None:
            try:
                show(child)
            except (OSError, SystemExit):  # or whoever read our lines has left: rich would, too
                unseen()

        module = server_module("services.runtime.children")
        await module.Children(children, settings, folder, changed).run(stop)
    died = _died(children)
    if not stop.is_set():
        raise Unavailable(f"no service is left; their logs are in {folder}", reason="SERVICES_DIED")
    if died:
        form = {"died": died, "logs": str(folder)}
        session.show(form, Text(f"died: {', '.join(died)}; the logs are in {folder}"))


def _died(children: Sequence[Child]) -> list[str]:
    return [child.name for child in children if child.state.value == "died"]


@contextmanager
def _shown(
    session: Session, children: Sequence[Child], folder: Path
) -> Iterator[Callable[[Child], None]]:
    """What shows a child whose state has changed: a line, or on a terminal a table of all."""
    if session.as_json or not sys.stdout.isatty():
        session.show({"logs": str(folder)}, Text(f"logs: {folder}"))
        yield _line_by_line(session)
    else:
        with Live(_table(children, folder), auto_refresh=False) as live:
            yield lambda _: live.update(_table(children, folder), refresh=True)


def _chosen(session: Session, host: str | None) -> dict[str, str]:
    """The options before the command as the variables that the services read."""
    given = {"host": host, "user": session.user, "memory": session.memory}
    given |= {"method": session.method, "profile": session.profile, "weights": session.weights}
    return {f"KITH_{name.upper()}": str(value) for name, value in given.items() if value}


def _line_by_line(session: Session) -> Callable[[Child], None]:
    def changed(child: Child) -> None:
        state, said = child.state.value, child.said or child.address
        form = {"service": child.name, "address": child.address, "state": state, "log": child.said}
        verb = "has" if state == "died" else "is"
        session.show(form, Text(f"{child.name} {verb} {state}: {said}"))

    return changed


def _table(children: Sequence[Child], folder: Path) -> Table:
    table = Table("service", "state", "where", caption=f"logs: {folder}   stop: Ctrl-C")
    for child in children:
        state = Text(child.state.value, style=_STYLES.get(child.state.value, ""))
        table.add_row(child.name, state, Text(child.said or child.address))
    return table
