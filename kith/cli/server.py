"""The command that serves others."""

import asyncio
import logging
import sys
from typing import Annotated

import typer
from rich.text import Text

from kith.cli.options import Context
from kith.local import server_module, settings_error

app = typer.Typer()


@app.command()
def serve(
    context: Context,
    host: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Where to listen; left out, KITH_HOST or 127.0.0.1."),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="0 for a free one; left out, KITH_PORT or 7450."),
    ] = None,
) -> None:
    """Serve a memory to other programs, until Ctrl-C.

    Whatever else an operator can set comes from KITH_... variables.
    """
    session = context.obj
    session.refuse_server("serve")
    settings = server_module("services.assistant.settings").AssistantSettings
    given = {
        "host": host,
        "port": port,
        "user": session.user,
        "memory": session.memory,
        "method": session.method,
        "profile": session.profile,
        "weights": session.weights,
    }
    try:
        chosen = settings(**{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise settings_error(error) from error
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)

    def announce(what: str) -> None:
        session.show({"state": what}, Text(f"Kith is {what}"))

    asyncio.run(server_module("services.assistant.serve").serve(chosen, announce))
