"""The commands that make datasets. What they do stands in the room `datagen`, found by its name."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.text import Text

from kith.cli import cleaning, masks, material
from kith.cli.bar import bar
from kith.cli.listed import share
from kith.cli.notes import Cost, cost_said, left_out_said
from kith.cli.options import Context
from kith.local import datagen_module
from kith.words import counted

app = typer.Typer()
datagen = typer.Typer(help="Make MP-Bench, or a dataset like it of your own concepts.")
datagen.add_typer(material.app)
datagen.add_typer(masks.app)
datagen.add_typer(cleaning.app)
app.add_typer(datagen, name="datagen")


@datagen.command()
def make(
    context: Context,
    engine: Annotated[
        Literal["playroom", "msdiffusion"],
        typer.Option(help="What draws: Playroom anywhere, MS-Diffusion on a GPU."),
    ],
    split: material.Split,
    out: material.Out,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Pictures at most; left out, all of the split.")
    ] = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="The share of one of N workers, from 0/N on.")
    ] = "0/1",
    seeds: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Your concepts: NAME/train/*.jpg, perhaps NAME/test/*.jpg, and concepts.yaml "
            "with the category of each. Playroom has its own.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Where chance begins.")] = 0,
    models: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="For MS-Diffusion: sdxl, image_encoder and ms_adapter.safetensors.",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures that MS-Diffusion draws at once; left out, 4 on a GPU, else 1."
        ),
    ] = None,
    compiled: Annotated[
        bool,
        typer.Option(
            "--compile", help="Compile MS-Diffusion first: minutes, which many pictures repay."
        ),
    ] = False,
    pack: Annotated[
        bool,
        typer.Option(
            "--pack",
            help="Write parquet shards beside the pictures; from then on all runs keep them true.",
        ),
    ] = False,
) -> None:
    """Make a dataset, or what is missing of one.

    Stopped anywhere, the same command goes on where it was; what reviewers rejected since is drawn
    anew. Several workers with the same --out and a --shard each make one dataset; who ends last
    writes what tells of all pictures.
    """
    cost = Cost()
    context.obj.refuse_server("datagen make")
    index, of = share(shard)
    making = datagen_module("datagen.making")
    order = making.Order(engine, split, out, seeds, models, seed, limit, batch, compiled)
    with context.obj.waiting("Planning ..."):
        commission = making.accept(order)
    with bar() as shown:
        task = shown.add_task("")
        for step in making.make(commission, index, of):
            said = f"{step.rejected} rejected" if step.rejected else ""
            shown.update(task, total=step.wanted, completed=step.done, description=said)
    if left := making.missing(commission):
        form: dict[str, Any] = {"complete": False, "left": left, "out": str(out)}
        said = f"This share is made; left to others: {counted(left, 'picture')}."
    else:
        with context.obj.waiting("Writing the card ..."):
            counts = commission.dataset.finish(commission.plan, commission.layout, packed=pack)
        form = {"complete": True, "out": str(out)} | vars(counts)
        said = _said(counts)
    taken = cost.form(out)
    form |= taken | {"left_out": [str(path) for path in commission.left_out]}
    notes = f"{left_out_said(commission.left_out)} {cost_said(taken)}"
    context.obj.show(form, Text(said + notes))


def _said(counts: Any) -> str:  # noqa: ANN401 - see kith.local
    parts = [f"{part} {kept} of {counts.wanted[part]}" for part, kept in counts.kept.items()]
    photos = f", {counted(counts.photos, 'real photo')}" if counts.photos else ""
    causes = ", ".join(f"{number} {cause}" for cause, number in counts.rejected.items())
    return f"Pictures: {', '.join(parts)}{photos}. Rejected: {causes or 'none'}."
