"""The commands on the memory."""

# ruff: noqa: D301  (Typer leaves the lines after a \b as they are)

from pathlib import Path
from typing import Annotated, Literal

import typer

from kith.cli import forms, human
from kith.cli.files import naming, pictures_in, replacing
from kith.cli.options import (
    Boxes,
    Captions,
    Category,
    ConceptName,
    Context,
    Description,
    Image,
    Images,
    Masks,
    Name,
    OneBox,
)
from kith.cli.session import print_json, say
from kith.cli.training import following
from kith.errors import InvalidInput

app = typer.Typer()


@app.command()
def remember(
    context: Context,
    name: Name,
    images: Images,
    category: Category = "",
    description: Description = "",
    box: Boxes = None,
    negatives: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="For a method that trains: a folder of images that do not show it.",
        ),
    ] = None,
    caption: Captions = None,
    mask: Masks = None,
) -> None:
    """Remember something by one or more photos of it.

    A method that trains shows how far it is; Ctrl-C leaves the training to the server, and without
    one 'kith train' goes on with it.

    \b
    With --json:
    {"name": "users/.../concepts/...", "display_name": "bo",
     "category": "dog", "description": "...", "views": 2, "state": "ready"}
    """
    others = pictures_in(negatives, "negatives") if negatives else []
    with (
        context.obj.client() as kith,
        following("Remembering ...") as progress,
        naming(images, others),
    ):
        made = kith.remember(
            name,
            images,
            category=category,
            description=description,
            boxes=box or (),
            negatives=others,
            captions=caption or (),
            masks=mask or (),
            progress=progress,
        )
    context.obj.show(forms.concept(made), human.remembered(made))


@app.command("add-view")
def add_view(
    context: Context,
    concept: ConceptName,
    images: Images,
    box: Boxes = None,
    caption: Captions = None,
    mask: Masks = None,
) -> None:
    """Add photos to a concept; a method that trains learns from them by 'kith train'."""
    with context.obj.client() as kith, context.obj.waiting("Looking ..."), naming(images):
        changed = kith.add_views(
            concept, images, boxes=box or (), captions=caption or (), masks=mask or ()
        )
    context.obj.show(forms.concept(changed), human.remembered(changed, "This is"))


@app.command("list")
def list_(
    context: Context,
    category: Annotated[str, typer.Option(metavar="WORD", help="Only of this category.")] = "",
    forgotten: Annotated[
        bool, typer.Option("--forgotten", help="Also what can still be brought back.")
    ] = False,
) -> None:
    """List what is remembered."""
    with context.obj.client() as kith:
        found = kith.list_concepts(category=category, forgotten=forgotten)
    context.obj.show(forms.concepts(found), human.concepts(found))


@app.command()
def show(context: Context, concept: ConceptName) -> None:
    """Show a concept with its views."""
    with context.obj.client() as kith:
        found = kith.get(concept)
    context.obj.show(forms.concept_in_full(found), human.concept_in_full(found))


@app.command()
def edit(
    context: Context,
    concept: ConceptName,
    name: Annotated[str | None, typer.Option(metavar="NAME", help="Call it this.")] = None,
    category: Annotated[str | None, typer.Option(metavar="WORD", help="Its kind.")] = None,
    description: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What to know of it.")
    ] = None,
) -> None:
    """Change a concept's name, category or description."""
    with context.obj.client() as kith:
        changed = kith.edit(concept, name=name, category=category, description=description)
    context.obj.show(forms.concept(changed), human.remembered(changed, "This is now"))


@app.command()
def reject(context: Context, concept: ConceptName, image: Image, box: OneBox = None) -> None:
    """Say that an image does not show a concept.

    It is heeded from the next question on.
    """
    with context.obj.client() as kith, context.obj.waiting("Looking ..."), naming([image]):
        changed = kith.reject(concept, image, box=box)
    context.obj.show(forms.concept(changed), human.remembered(changed, "Noted: that is not"))


@app.command()
def forget(
    context: Context,
    concept: ConceptName,
    undo: Annotated[bool, typer.Option("--undo", help="Bring it back.")] = False,
) -> None:
    """Forget a concept at once.

    For some time it can be brought back.
    """
    with context.obj.client() as kith:
        changed = kith.unforget(concept) if undo else kith.forget(concept)
    if undo:
        context.obj.show(forms.concept(changed), human.remembered(changed, "Brought back"))
    else:
        context.obj.show(forms.forgotten(changed), human.forgotten(changed))


@app.command()
def watch(
    context: Context,
    resume: Annotated[
        str, typer.Option(metavar="TOKEN", help="Start after the edit with this resume_token.")
    ] = "",
) -> None:
    """Follow the edits of a server's memory, until Ctrl-C.

    Needs --server: without one this process holds the memory alone, and nobody can edit it.
    """
    context.obj.require_server("watch")
    with context.obj.client() as kith:
        for one in kith.watch(resume_token=resume):
            if context.obj.as_json:
                print_json(forms.edit(one))
            else:
                say(human.edit(one))


@app.command("import")
def import_(
    context: Context,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="SOURCE",
            help="A file of 'kith export', or RAP's folder.",
            show_default=False,
        ),
    ],
) -> None:
    """Take in a memory from a file or folder.

    An entry whose name is in use is left out, and said; if all are, that is an error.
    """
    with context.obj.client() as kith, context.obj.waiting("Importing ..."):
        done = kith.import_memory(source)
    context.obj.show(forms.imported(done), human.imported(done))
    if done.problems and not done.concepts:
        raise InvalidInput(
            f"import: nothing was taken in from {source}; mend what was left out, as listed",
            reason="NOTHING_IMPORTED",
            field="source",
        )


@app.command("export")
def export(
    context: Context,
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="The file to write.", show_default=False)
    ],
    form: Annotated[
        Literal["kith", "rap"],
        typer.Option("--format", help="Kith's own archive (tar), or RAP's folder (zip)."),
    ] = "kith",
) -> None:
    """Write the whole memory to a file."""
    with (
        replacing(target, "target") as file,
        context.obj.client() as kith,
        context.obj.waiting("Exporting ..."),
    ):
        size = sum(file.write(piece) for piece in kith.export_memory(form=form))
    context.obj.show({"file": str(target), "bytes": size}, f"Wrote {target}, {size:,} bytes")
