"""The commands on photos and questions."""

# ruff: noqa: D301  (Typer leaves the lines after a \b as they are)

from pathlib import Path
from typing import Annotated

import typer

from kith.cli import forms, human
from kith.cli.files import naming
from kith.cli.options import Context, Image, Images
from kith.cli.session import print_json, say
from kith.messages import Answer

app = typer.Typer()


@app.command()
def retrieve(context: Context, images: Images) -> None:
    """Find who and what is known in images, and where.

    \b
    With --json, one line an image, boxes in pixels:
    {"image": "...", "accepted": ["bo"], "regions": [
      {"box": [x1, y1, x2, y2], "category": "dog", "score": 0.9, "matches": [
        {"concept": "bo", "distance": 0.4, "accepted": true}]}]}
    """
    with context.obj.client() as kith:
        for image in images:
            with context.obj.waiting(f"Looking at {image} ..."), naming([image]):
                found = kith.retrieve(image)
            context.obj.show(forms.retrieval(str(image), found), human.retrieval(str(image), found))


@app.command()
def recognize(
    context: Context,
    image: Image,
    concept: Annotated[
        list[str],
        typer.Option(metavar="NAME", help="A concept to look for; may be given several times."),
    ],
) -> None:
    """Say of each concept whether an image shows it.

    \b
    With --json:
    {"concepts": [{"concept": "bo", "present": true, "score": 0.93,
                   "box": [x1, y1, x2, y2]}]}
    """
    with context.obj.client() as kith, context.obj.waiting("Looking ..."), naming([image]):
        found = kith.recognize(image, concept)
    context.obj.show(forms.recognitions(found), human.recognitions(found))


@app.command()
def ask(
    context: Context,
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="[IMAGE] QUESTION",
            help="An image, if the question is about one, and the question; <bo> stands for bo.",
            show_default=False,
        ),
    ],
) -> None:
    """Ask about an image, or about what is remembered.

    \b
    With --json:
    {"answer": "...", "concepts": [{"concept": "bo", "view": "users/...",
                                    "box": [x1, y1, x2, y2], "score": 0.93}],
     "degradation": null}
    When the memory or a model can't be reached: {"loss": "memory", "reason": "...",
    "message": "..."}, loss being "photos" when only they were not looked at, and "words" when
    the language model was away and the answer is a list of who was found.
    """
    *images, question = words
    if len(images) > 1:
        raise typer.BadParameter(
            f"{len(words)} were given; put the question in quotes", param_hint="[IMAGE] QUESTION"
        )
    image = Path(images[0]) if images else None
    with context.obj.client() as kith, naming([image] if image else []):
        if context.obj.as_json:
            print_json(forms.answer(kith.ask(question, image)))
            return
        answer = Answer("")
        for piece in kith.ask_stream(question, image):
            typer.echo(piece.text, nl=False)
            answer = piece.answer or answer
    typer.echo()
    say(human.sources(answer))


@app.command()
def capabilities(context: Context) -> None:
    """Say what the method needs and can do."""
    with context.obj.client() as kith:
        can = kith.capabilities()
    context.obj.show(forms.capabilities(can), human.capabilities(can))
