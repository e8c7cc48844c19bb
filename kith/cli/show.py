"""The command that shows what Kith does, on pictures whose truth is known."""

import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kith.cli.files import replacing
from kith.cli.options import Context
from kith.cli.session import say

app = typer.Typer()


@app.command()
def demo(
    context: Context,
    page: Annotated[Path, typer.Option(metavar="FILE", help="The page to write.")] = Path(
        "demo/index.html"
    ),
) -> None:
    """Show what Kith does, and leave a page about it.

    Remembers five concepts, recognises them in new pictures and answers questions about them.
    """
    from kith.cli.narrate import narrate
    from kith.demo.page import page as written  # these need gRPC: see Session.client
    from kith.demo.play import play, score
    from kith.demo.story import load

    session = context.obj
    session.refuse_server("demo")
    began = time.monotonic()
    steps = []
    with (
        replacing(page, "page", folders=True) as file,
        tempfile.TemporaryDirectory(prefix="kith-demo-") as memory,
        session.client(Path(memory)) as kith,
    ):
        for step in play(kith, load()):
            steps.append(step)
            if not session.as_json:
                say(narrate(step))
        html = written(steps, method=session.method or "kith", profile=session.profile or "pocket")
        file.write(html.encode())
    counted = score(steps)
    seconds = round(time.monotonic() - began, 1)
    session.show(
        asdict(counted) | {"seconds": seconds, "page": str(page)},
        Text(
            f"\nNames right: {counted.names_right} of {counted.names}. "
            f"Answers right: {counted.answers_right} of {counted.answers}. "
            f"It took {seconds} s.\nThe page: {page.resolve()}"
        ),
    )
