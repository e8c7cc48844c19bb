"""The command that makes negatives for methods that train, and options of its kin."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from kith.cli.bar import bar
from kith.cli.notes import left_out_said
from kith.cli.options import Context
from kith.cli.server import settings_of
from kith.errors import InvalidInput
from kith.files import write_whole
from kith.local import datagen_module, embedder_of
from kith.words import counted

app = typer.Typer()

Split = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="The layout: yollava or msbench, MP-Bench's two; msdiffusion, MS-Diffusion's own "
        "bench; or a file of your own, as in mine.yaml.",
    ),
]
Out = Annotated[Path, typer.Option(metavar="DIR", help="The folder to make.")]


@app.command()
def negatives(
    context: Context,
    seeds: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            help="The concepts: NAME/train/*.jpg, perhaps NAME/test/*.jpg, and concepts.yaml with "
            "the category of each. The folder seeds of a dataset is one.",
        ),
    ],
    split: Split,
    pool: Annotated[
        Path, typer.Option(metavar="DIR", help="Pictures to look among, in folders or not.")
    ],
    out: Out,
    faces: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CATEGORY=DIR",
            help="Further pictures for the concepts of a category: 20 of them, drawn at random, "
            "are looked at too. As often as you like.",
        ),
    ] = None,
) -> None:
    """Find pictures that look like each concept and are not it.

    Writes OUT/NAME/0001.jpg and so on, the most alike first, with their similarities in
    metadata.jsonl, and the numbers in OUT/counts.json. Near-copies of a concept's pictures are left
    out. The vectors are those of --profile; what was computed of a pool is kept in OUT/.pools, so
    that the command goes on where it was stopped.
    """
    session = context.obj
    session.refuse_server("datagen negatives")
    datagen_module("datagen.finished").keep_apart(out)
    known = datagen_module("datagen.layout_files").load(split)
    concepts = datagen_module("datagen.seeds").read_seeds(seeds, known)
    further = _further(faces or (), tuple(known.concepts))
    mining, pools = datagen_module("datagen.negatives"), datagen_module("datagen.pool")
    with bar() as shown, embedder_of(settings_of(session, None)) as (name, embed):
        embedder = pools.Embedder(name, embed)
        searched = {
            folder: pools.index(folder, embedder, out / ".pools", _teller(shown, folder))
            for folder in (pool, *further.values())
        }
        extras = {category: searched[folder] for category, folder in further.items()}
        counts = {}
        task = shown.add_task("concepts", total=len(concepts))
        for concept in concepts:
            mined = mining.mine(concept, embedder, [searched[pool]], extras)
            mining.write_negatives(mined, out)
            counts[concept.name] = mined.counts()
            shown.advance(task)
    told = json.dumps(counts, ensure_ascii=False, indent=1) + "\n"
    write_whole(out / "counts.json", told.encode())
    left_out = [path for concept in concepts for path in concept.left_out]
    form = {
        "out": str(out),
        "pictures": sum(len(one.files) for one in searched.values()),
        "unreadable": [str(path) for one in searched.values() for path in one.unreadable],
        "left_out": [str(path) for path in left_out],
        "concepts": counts,
    }
    session.show(form, Text(_said(form) + left_out_said(left_out)))


def _further(faces: Sequence[str], categories: Sequence[str]) -> Mapping[str, Path]:
    """Categories and their folders.

    Raises:
        InvalidInput: One is written otherwise, names no category of the layout, or comes twice.
    """
    found: dict[str, Path] = {}
    for one in faces:
        category, _, folder = one.partition("=")
        if not folder or category not in categories or category in found:
            raise InvalidInput(
                f"faces: {one!r} is not CATEGORY=DIR with one of {', '.join(categories)}, each "
                "once; correct it",
                reason="FACES_INVALID",
                field="faces",
            )
        found[category] = Path(folder)
    return found


def _teller(shown: Progress, folder: Path) -> Any:  # noqa: ANN401 - see kith.local
    task = shown.add_task(folder.name)
    return lambda done, of: shown.update(task, completed=done, total=of)


def _said(form: Mapping[str, Any]) -> str:
    kept = [counts["kept"] for counts in form["concepts"].values()]
    unread = _unread(form["unreadable"])
    each = f"{min(kept)}" if min(kept) == max(kept) else f"{min(kept)} to {max(kept)}"
    concepts, pictures = counted(len(kept), "concept"), counted(form["pictures"], "picture")
    return f"Negatives: {each} for each of {concepts}, of {pictures}{unread}."


def _unread(files: Sequence[str]) -> str:
    """How many pictures of the pools can't be read, and which is the first."""
    return f", {len(files)} unreadable ({files[0]}{' ...' if files[1:] else ''})" if files else ""
