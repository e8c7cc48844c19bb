"""The command that makes masks for methods that train: of what is marked, or known exactly."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from kith.cli.bar import bar
from kith.cli.material import Out
from kith.cli.options import Context
from kith.cli.session import Session
from kith.errors import InvalidInput
from kith.local import datagen_module
from kith.words import counted

app = typer.Typer()


@app.command()
def masks(
    context: Context,
    out: Out,
    annotations: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What was marked in VGG Image Annotator, exported as JSON."
        ),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The folder that its file names start from.")
    ] = None,
    sam: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A SAM with config.json and model.safetensors."),
    ] = None,
    dataset: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="In place of marks and SAM, a dataset that Playroom drew: its masks are exact.",
        ),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="The layout of that dataset, if it is one of your own."),
    ] = None,
) -> None:
    """Outline what is marked in pictures, or what Playroom drew.

    Writes a PNG for each picture, under its name: white where the thing is, black elsewhere. For a
    picture of several concepts it is a folder with a PNG for each. Of what is marked it understands
    points, boxes and polygons; a point with the attribute "outside" lies beside the thing.
    """
    session = context.obj
    session.refuse_server("datagen masks")
    datagen_module("datagen.finished").keep_apart(out)
    marks = {"annotations": annotations, "pictures": pictures, "sam": sam}
    if dataset is not None:
        _refuse(marks, f"the masks of --dataset {dataset} are exact without it")
        _exact_masks(session, dataset, split, out)
        return
    _refuse({"split": split}, "without --dataset there is no layout")
    if annotations is None or pictures is None or sam is None:
        lacking = next(name for name, value in marks.items() if value is None)
        raise InvalidInput(
            f"{lacking}: is missing; name --annotations, --pictures and --sam, or a --dataset that "
            "Playroom drew",
            reason="OPTION_MISSING",
            field=lacking,
        )
    _marked_masks(session, annotations, pictures, sam, out)


def _refuse(options: Mapping[str, object], why: str) -> None:
    for name, value in options.items():
        if value is not None:
            raise InvalidInput(
                f"{name}: {value} is of no use: {why}; leave it out",
                reason="OPTION_CONFLICT",
                field=name,
            )


def _exact_masks(session: Session, dataset: Path, split: str | None, out: Path) -> None:
    exact = datagen_module("datagen.playroom_masks")
    finished = datagen_module("datagen.finished").open_finished(dataset, "dataset")
    layout = datagen_module("datagen.layout_files").load(split or finished.plan.layout)
    pictures = exact.redrawable(finished, layout)
    with bar() as shown:
        tracked = shown.track(pictures, description="")
        written = [mask for picture in tracked for mask in picture.write_masks(out)]
    form = {
        "out": str(out),
        "masks": [
            {
                "picture": one.picture,
                "concept": one.concept,
                "mask": one.mask.relative_to(out).as_posix(),
                "share": one.share,
            }
            for one in written
        ],
    }
    said = f"Masks: {len(written)}, exact, for {counted(len(pictures), 'picture')}."
    session.show(form, Text(said))


def _marked_masks(
    session: Session, annotations: Path, pictures: Path, sam: Path, out: Path
) -> None:
    marked = datagen_module("datagen.via").read_annotations(annotations)
    with session.waiting("Loading SAM ..."):
        outlining = datagen_module("datagen.masks")
        outliner = outlining.Outliner(sam)
    with bar() as shown:
        steps = outlining.write_masks(outliner, marked, pictures, out)
        written = list(shown.track(steps, total=len(marked), description=""))
    least = min(written, key=lambda one: one.score)
    form = {
        "out": str(out),
        "masks": [
            {"picture": one.picture, "score": one.score, "share": one.share} for one in written
        ],
    }
    said = f"Masks: {len(written)}. Least certain: {least.picture} ({least.score:.2f})."
    session.show(form, Text(said))
