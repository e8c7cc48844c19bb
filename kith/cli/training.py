"""The command that trains concepts, for methods that train, and what is shown of a training."""

# ruff: noqa: D301  (Typer leaves the lines after a \b as they are)

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
        list[str] | None,
        typer.Argument(
            metavar="CONCEPT", help="Their names, or resource names.", show_default=False
        ),
    ] = None,
    cancel: Annotated[
        bool, typer.Option("--cancel", help="End their trainings; the concepts stay.")
    ] = False,
    list_: Annotated[
        bool,
        typer.Option("--list", help="List the trainings that wait, run or are over; begin none."),
    ] = False,
) -> None:
    """Train concepts by the views they have now, or go on with a training that was stopped.

    Only for methods that train. Some learn to tell those apart that are trained together. Ctrl-C
    leaves the training to the server; without one it is gone on with by the same command.

    \b
    With --json and --list:
    {"trainings": [{"operation": "operations/...", "concepts": ["bo"],
      "state": "training", "queue_position": 0, "epochs_done": 3,
      "epochs_total": 15, "loss": 0.41, "remaining_s": 90.0, "error": ""}]}
    state is queued, training, done, cancelled or failed.
    """
    if list_:
        if cancel or concepts:
            raise typer.BadParameter("it takes no CONCEPT and no --cancel", param_hint="--list")
        _list(context)
        return
    if not concepts:
        raise typer.BadParameter(
            "name what to train, or --list the trainings", param_hint="CONCEPT"
        )
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


def _list(context: Context) -> None:
    with context.obj.client() as kith:
        found = kith.trainings()
        names = {one.name: one.display_name for one in kith.list_concepts(forgotten=True)}
    context.obj.show(forms.trainings(found, names), human.trainings(found, names))


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
