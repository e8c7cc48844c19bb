"""The command that shows what Kith does, on pictures whose truth is known."""

import tempfile
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
    from kith.demo.play import MODELS, play, score, seconds
    from kith.demo.story import load

    session = context.obj
    session.refuse_server("demo")
    profile = session.profile or "pocket"
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
        html = written(steps, method=session.method or "kith", profile=profile)
        file.write(html.encode())
    counted = score(steps)
    loading, story = (round(one, 1) for one in seconds(steps))
    session.show(
        asdict(counted)
        | {"profile": profile, "loading_seconds": loading, "seconds": story, "page": str(page)},
        Text(
            f"\nNames right: {counted.names_right} of {counted.names}. "
            f"Strangers left unnamed: {counted.strangers_unnamed} of {counted.strangers}. "
            f"Answers right: {counted.answers_right} of {counted.answers}.\n{MODELS[profile]} "
            f"To load them took {loading} s, the story {story} s.\nThe page: {page.resolve()}"
        ),
    )
