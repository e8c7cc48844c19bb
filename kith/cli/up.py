"""The command that runs all services on this machine, each in a process of its own."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
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
        typer.Option(metavar="DIR", help="Where each service logs; left out, a new folder."),
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
    asyncio.run(_run(session, children, settings, folder))


async def _run(session: Session, children: Sequence[Child], settings: object, folder: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    module = server_module("services.runtime.children")
    if session.as_json or not sys.stdout.isatty():
        session.show({"logs": str(folder)}, Text(f"logs: {folder}"))
        await module.Children(children, settings, folder, _line_by_line(session)).run(stop)
    else:
        with Live(_table(children, folder), auto_refresh=False) as live:
            await module.Children(
                children,
                settings,
                folder,
                lambda _: live.update(_table(children, folder), refresh=True),
            ).run(stop)
    if not stop.is_set():
        raise Unavailable(f"no service is left; their logs are in {folder}", reason="SERVICES_DIED")


def _chosen(session: Session, host: str | None) -> dict[str, str]:
    """The options before the command as the variables that the services read."""
    given = {"host": host, "user": session.user, "memory": session.memory}
    given |= {"method": session.method, "profile": session.profile, "weights": session.weights}
    return {f"KITH_{name.upper()}": str(value) for name, value in given.items() if value}


def _line_by_line(session: Session) -> Callable[[Child], None]:
    def changed(child: Child) -> None:
        state, said = child.state.value, child.said or child.address
        form = {"service": child.name, "address": child.address, "state": state, "log": child.said}
        session.show(form, Text(f"{child.name} is {state}: {said}"))

    return changed


def _table(children: Sequence[Child], folder: Path) -> Table:
    table = Table("service", "state", "where", caption=f"logs: {folder}   stop: Ctrl-C")
    for child in children:
        state = Text(child.state.value, style=_STYLES.get(child.state.value, ""))
        table.add_row(child.name, state, Text(child.said or child.address))
    return table
