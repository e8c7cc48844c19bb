"""The command that serves a chat program over MCP."""

import asyncio
import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from kith.cli.options import Context
from kith.errors import InvalidInput
from kith.local import server_module

app = typer.Typer()


@app.command()
def mcp(
    context: Context,
    photos: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A folder whose pictures the chat program may name by their path; may be given "
            "several times. Left out, your home folder.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve a chat program over MCP, on standard input and output.

    The chat program starts it, as docs/mcp.md shows. With --server it brings the memory of a
    running server; without, everything runs in this process, and the models are loaded when they
    are first needed.
    """
    stdio = server_module("services.gateway.mcp.stdio")
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, force=True)
    for folder in photos or []:
        if not folder.is_dir():
            raise InvalidInput(
                f"photos: {folder} is no folder; name one whose pictures may be read",
                reason="FOLDER_NOT_FOUND",
                field="photos",
            )
    asyncio.run(stdio.serve(context.obj.async_client(), photos or [Path.home()]))
