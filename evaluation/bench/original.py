"""Everyday pictures of concepts of the splits, without MP-Bench's layouts."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final

from PIL import Image

from datagen import playroom
from datagen.chance import seed_of, shuffled
from datagen.identities import SIZE, Identity
from datagen.pictures import jpeg
from evaluation.bench.crowd import Crowd
from evaluation.bench.drawings import MANIFEST, Progress, as_json, save
from evaluation.bench.splits import SPLITS
from kith.files import write_whole

ORIGINAL: Final = "original"
_LEAST_VISIBLE: Final = 0.5


def make_original(
    folder: Path, known: Sequence[Identity], wanted: int, crowd: Crowd, progress: Progress
) -> None:
    """Make the dataset of everyday pictures, or what is missing of it.

    Args:
        folder: Of the bench, whose splits are there.
        known: Whom it shows.
        wanted: Pictures of each.
        crowd: Whoever may stand beside.
        progress: See `build`.
    """
    drawings: dict[str, Callable[[], bytes]] = {}
    concepts = {}
    for one in known:
        views = next(
            folder / split / "seeds" / one.name / "train"
            for split in SPLITS
            if (folder / split / "seeds" / one.name).is_dir()
        )
        train = {
            f"{one.name}/train/{path.name}": path.read_bytes for path in sorted(views.iterdir())
        }
        test = {
            f"{one.name}/test/{number:02d}.jpg": partial(_everyday, one, number, bystander)
            for number, bystander in enumerate(_bystanders(one, wanted, crowd), start=1)
        }
        drawings |= train | test
        concepts[one.name] = {
            "category": one.concept.noun,
            "alike": [other.name for other in known if one.resembles(other)],
            "train": list(train),
            "test": list(test),
        }
    save(folder / ORIGINAL, drawings, progress)
    files = [
        {"file": file, "role": "test", "source": "playroom"}
        for entry in concepts.values()
        for file in entry["test"]
    ]
    write_whole(folder / ORIGINAL / MANIFEST, as_json({"concepts": concepts, "files": files}))


def _bystanders(one: Identity, wanted: int, crowd: Crowd) -> Iterator[Identity | None]:
    """Who else is in each everyday picture of a concept: in every second one, somebody."""
    kinds = [
        kind
        for kind, group in playroom.GROUPS.items()
        if group in ("person", "pet", "character", "object")
    ]
    for number in range(wanted):
        kind = "person" if one.drawn.group == "wear" else shuffled(kinds, one.name, number)[0]
        yield crowd.next(kind) if number % 2 else None


def _everyday(one: Identity, number: int, bystander: Identity | None) -> bytes:
    """A picture in which a thing stands anywhere, in any pose, perhaps beside another."""
    cast = [one.drawn, *([bystander.drawn] if bystander else [])]
    seeds = (seed_of(ORIGINAL, one.name, number, attempt) for attempt in count())
    pictures = (playroom.render(playroom.compose(cast, seed), SIZE) for seed in seeds)
    return jpeg(
        Image.fromarray(
            next(
                picture.image
                for picture in pictures
                for thing in picture.things
                if thing.concept == one.drawn and thing.visible >= _LEAST_VISIBLE
            )
        )
    )
