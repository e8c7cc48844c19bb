"""The commands that sort out a dataset's bad pictures: by measures, and by eye."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from kith.cli.bar import bar
from kith.cli.notes import Cost, cost_said
from kith.cli.options import Context
from kith.cli.server import settings_of
from kith.local import datagen_module, detector_of, embedder_of

app = typer.Typer()


@app.command()
def clean(
    context: Context,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A dataset that was made.")],
) -> None:
    """Measure each drawn picture of a dataset and propose which to reject, and why.

    Writes OUT/scores.jsonl and OUT/rejections.png, and changes nothing else. How much a subject
    looks like its seeds is told by the models of --profile. Stopped anywhere, the same command goes
    on where it was.
    """
    cost = Cost()
    session = context.obj
    session.refuse_server("datagen clean")
    settings = settings_of(session, None)
    cleaning, regions = datagen_module("datagen.cleaning"), datagen_module("datagen.regions")
    finished = datagen_module("datagen.finished")
    with (
        finished.opened_for("clean", out) as dataset,
        bar() as shown,
        embedder_of(settings) as (embedder, embed),
        detector_of(settings) as (detector, detect),
    ):
        eyes = regions.Eyes(f"{embedder}, {detector}", embed, detect)
        task = shown.add_task("", total=len(dataset.rows))
        cleaned = cleaning.clean(dataset, eyes, lambda done: shown.update(task, completed=done))
    taken = cost.form(out)
    form = {"out": str(out)} | cleaned._asdict() | taken
    session.show(form, Text(f"{_said(cleaned)} {cost_said(taken)}"))


@app.command()
def review(
    context: Context,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A dataset that was made.")],
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS",
            help="Where the page listens. Left out, only this machine reaches it; over a network, "
            "only who is given its address as printed, which holds a token.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The page's port; 0 for a free one.")
    ] = 7461,
) -> None:
    """Look through a dataset in the browser and say which pictures to keep, until Ctrl-C.

    Several may do so at once, each under a name of their own.
    What is said is added to DIR/reviews.jsonl, line by line. The command that made the dataset then
    draws those anew that were rejected.
    """
    session = context.obj
    session.refuse_server("datagen review")
    reviewing = datagen_module("datagen.review.app")

    def announce(address: str) -> None:
        session.show({"url": address}, Text(f"Review at {address}"))

    reviewing.serve(out, host, port, announce)


def _said(cleaned: Any) -> str:  # noqa: ANN401 - see kith.local
    causes = ", ".join(f"{number} {cause}" for cause, number in cleaned.rejected.items())
    across = f" Near-copies across parts: {cleaned.across_parts}." if cleaned.across_parts else ""
    return f"Pictures: {cleaned.pictures}. Proposed to reject: {causes or 'none'}.{across}"
