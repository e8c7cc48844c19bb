"""The command that trains concepts, for methods that train, and what is shown of a training."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Annotated

import typer
from rich.console import Console, Group
from rich.progress import Progress

from kith.cli import forms, human
from kith.cli.bar import bar
from kith.cli.options import Context
from kith.messages import Training

app = typer.Typer()


@app.command()
def train(
    context: Context,
    concepts: Annotated[
        list[str],
        typer.Argument(
            metavar="CONCEPT", help="Their names, or resource names.", show_default=False
        ),
    ],
    cancel: Annotated[
        bool, typer.Option("--cancel", help="End their trainings; the concepts stay.")
    ] = False,
) -> None:
    """Train concepts by the views they have now, or go on with a training that was stopped.

    Only for methods that train. Some learn to tell those apart that are trained together. Ctrl-C
    leaves the training to the server; without one it is gone on with by the same command.
    """
    with context.obj.client() as kith:
        if cancel:
            for concept in concepts:
                kith.cancel_training(concept)
            found = [kith.get(concept) for concept in concepts]
        else:
            with following("Training ...") as progress:
                found = kith.train(concepts, progress=progress)
    verb = "No longer training" if cancel else "Trained"
    said = Group(*(human.remembered(one, verb) for one in found))
    context.obj.show(forms.concepts(found), said)


@contextmanager
def following(what: str) -> Iterator[Callable[[Training], None]]:
    """Say what takes a while, on a terminal; once a training is told of, a bar shows its epochs."""
    with ExitStack() as shown:
        status = shown.enter_context(Console(stderr=True).status(what))
        bars: list[Progress] = []

        def tell(training: Training) -> None:
            if not bars:
                status.stop()  # a terminal shows one of them at a time
                bars.append(shown.enter_context(bar()))
                bars[0].add_task("")
            bars[0].update(
                bars[0].task_ids[0],
                total=training.epochs_total or None,
                completed=training.epochs_done,
                description=_said(training),
            )

        yield tell


def _said(training: Training) -> str:
    if training.queue_position:
        return f"{training.queue_position} trainings before this one"
    left = training.remaining_s
    return "training" if left is None else f"training, {human.duration(left)} left"
