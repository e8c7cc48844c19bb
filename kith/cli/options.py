"""Arguments and options that several commands take."""

import math
from pathlib import Path
from typing import Annotated

import typer

from kith.cli.session import Session
from kith.messages import Box


class Context(typer.Context):
    """A command's context; its object is the session."""

    obj: Session


def parse_box(text: str) -> Box:
    """`X1,Y1,X2,Y2` to a box.

    Raises:
        typer.BadParameter: Not four numbers, or no area.
    """
    try:
        box = Box(*map(float, text.split(",")))
    except (TypeError, ValueError) as error:
        raise typer.BadParameter(f"{text!r} is not four numbers, as in 10,20,200,180") from error
    if not (all(map(math.isfinite, box)) and 0 <= box.x1 < box.x2 and 0 <= box.y1 < box.y2):
        raise typer.BadParameter(f"{text!r} has no area: X1 < X2 and Y1 < Y2, from 0 on")
    return box


Name = Annotated[str, typer.Argument(metavar="NAME", help="What you call it.", show_default=False)]
ConceptName = Annotated[
    str,
    typer.Argument(metavar="CONCEPT", help="Its name, or resource name.", show_default=False),
]
Images = Annotated[
    list[Path],
    typer.Argument(metavar="IMAGE", help="JPEG, PNG or WebP files.", show_default=False),
]
Image = Annotated[
    Path, typer.Argument(metavar="IMAGE", help="A JPEG, PNG or WebP file.", show_default=False)
]
Boxes = Annotated[
    list[Box] | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        parser=parse_box,
        help="Where it is, in pixels; once for each image, in order.",
        show_default=False,
    ),
]
OneBox = Annotated[
    Box | None,
    typer.Option(
        "--box",
        metavar="X1,Y1,X2,Y2",
        parser=parse_box,
        help="The part of the image, in pixels; left out, all of it.",
        show_default=False,
    ),
]
Captions = Annotated[
    list[str] | None,
    typer.Option(
        "--caption",
        metavar="TEXT",
        help="For a method that learns from captions: what is to be seen, with <bo> for bo; once "
        "for each image, in order.",
        show_default=False,
    ),
]
Masks = Annotated[
    list[Path] | None,
    typer.Option(
        "--mask",
        metavar="IMAGE",
        help="For a method that learns from masks: white where it is, as large as the image; once "
        "for each image, in order.",
        show_default=False,
    ),
]
Category = Annotated[
    str, typer.Option(metavar="WORD", help="Its kind, as in dog; left out, the detector says.")
]
Description = Annotated[
    str,
    typer.Option(
        metavar="TEXT", help="What to know of it; left out, the language model writes it."
    ),
]
