"""Remembers every concept of a folder of photographs, looks at all the others, and counts.

    python examples/photos.py FOLDER [--method kith|rap] [--json]

FOLDER holds a manifest.json: under "concepts" each concept's category, description, "train",
"test" and "multi" photos; under "files" each photo's "role", strangers being "negative".
Beside the figures stand chance, and a baseline that any method has to beat: the nearest
training photo by its colour histogram.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kith import Client
from kith.errors import KithError
from kith.messages import Retrieval

BINS = 8
"""Of each colour channel in a histogram."""


@dataclass(frozen=True)
class Figures:
    """What came out; shares are 0 to 1."""

    concepts: int
    chance: float
    """Of naming the right concept by drawing lots."""
    test_photos: int
    histogram_top1: float
    """Test photos whose nearest training photo by colours shows the same concept."""
    top1: float
    """Test photos whose nearest match is the right concept, accepted or not."""
    named_right: float
    """Test photos for which the right concept is accepted."""
    named_wrong: float
    """Test photos for which another concept is accepted."""
    multi_photos: int
    multi_recall: float
    """Concepts in photos of several that are accepted."""
    strangers: int
    strangers_rejected: float
    """Photos of strangers for which no concept is accepted."""
    failures: int
    """Concepts and photos that ended in an error; they count as nothing found."""


def evaluate(kith: Client, folder: Path, *, quiet: bool = False) -> Figures:
    """Remember what the folder's manifest names, look at its other photos, and count."""
    failures: list[str] = []

    def look(file: Path) -> Retrieval:
        try:
            return kith.retrieve(file)
        except KithError as error:
            failures.append(f"{file}: {error}")
            return Retrieval(0, 0, (), ())

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    concepts: dict[str, Any] = manifest["concepts"]
    for name, concept in _progress(list(concepts.items()), "Remembering", quiet):
        photos = [folder / file for file in concept["train"]]
        words = {"category": concept["category"], "description": concept["description"]}
        try:
            kith.remember(name, photos, **words)
        except KithError as error:
            failures.append(f"{name}: {error}")
    tests = [(name, folder / file) for name in concepts for file in concepts[name]["test"]]
    looked = [(name, look(file)) for name, file in _progress(tests, "Test photos", quiet)]
    files = manifest["files"]
    multi = [file for file in files if file["role"] == "multi"]
    recalled = [
        name in accepted(look(folder / file["file"]))
        for file in _progress(multi, "Several at once", quiet)
        for name in file["concepts"]
    ]
    negatives = [folder / file["file"] for file in files if file["role"] == "negative"]
    rejected = [not accepted(look(file)) for file in _progress(negatives, "Strangers", quiet)]
    for failure in failures:
        print(failure, file=sys.stderr)
    return Figures(
        concepts=len(concepts),
        chance=1 / len(concepts),
        test_photos=len(tests),
        histogram_top1=histogram_top1(folder, concepts, tests),
        top1=share(nearest(found) == name for name, found in looked),
        named_right=share(name in accepted(found) for name, found in looked),
        named_wrong=share(bool(accepted(found) - {name}) for name, found in looked),
        multi_photos=len(multi),
        multi_recall=share(recalled),
        strangers=len(negatives),
        strangers_rejected=share(rejected),
        failures=len(failures),
    )


def accepted(found: Retrieval) -> set[str]:
    """The concepts that the decision keeps."""
    return {used.concept for used in found.accepted}


def nearest(found: Retrieval) -> str | None:
    """The concept of the smallest distance, over all regions."""
    matches = [match for region in found.regions for match in region.matches]
    return min(matches, key=lambda match: match.distance).concept if matches else None


def share(hits: Any) -> float:  # noqa: ANN401 - any iterable of truths
    """How many of the hits are true; 0 where there are none."""
    counted = list(hits)
    return sum(counted) / len(counted) if counted else 0.0


def histogram_top1(folder: Path, concepts: dict[str, Any], tests: list[tuple[str, Path]]) -> float:
    """The baseline: whose training photo has the most similar colours."""
    names = [name for name in concepts for _ in concepts[name]["train"]]
    train = np.stack(
        [histogram(folder / file) for concept in concepts.values() for file in concept["train"]]
    )
    return share(
        names[int(np.abs(train - histogram(file)).sum(axis=1).argmin())] == name
        for name, file in tests
    )


def histogram(path: Path) -> NDArray[np.float64]:
    """Shares of a photo's pixels in each of 8 x 8 x 8 colours."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((128, 128))).reshape(-1, 3)
    counts, _ = np.histogramdd(pixels, bins=BINS, range=[(0, 256)] * 3)
    return counts.ravel() / len(pixels)


def table(figures: Figures) -> Table:
    """The figures as people read them."""
    rows = (
        ("identification, chance", figures.test_photos, figures.chance),
        ("identification, colour histogram", figures.test_photos, figures.histogram_top1),
        ("identification, Kith (nearest match)", figures.test_photos, figures.top1),
        ("right name given", figures.test_photos, figures.named_right),
        ("another name given", figures.test_photos, figures.named_wrong),
        ("several at once, found", figures.multi_photos, figures.multi_recall),
        ("strangers given no name", figures.strangers, figures.strangers_rejected),
    )
    shown = Table("figure", "photos", "share", title=f"{figures.concepts} concepts")
    for what, photos, value in rows:
        shown.add_row(what, str(photos), f"{value:.2f}")
    shown.caption = f"{figures.failures or 'no'} failures"
    return shown


def _progress(items: list[Any], what: str, quiet: bool) -> Iterator[Any]:
    yield from track(items, what, console=Console(stderr=True), disable=quiet)


def main() -> None:
    """Read the arguments, evaluate in a memory of its own, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--method", choices=["kith", "rap"], default="kith")
    parser.add_argument("--profile", choices=["pocket", "full"], default="pocket")
    parser.add_argument("--weights", type=Path, help="the folder with the models of the profile")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="kith-photos-") as memory,
        Client(
            memory=memory, method=given.method, profile=given.profile, weights=given.weights
        ) as kith,
    ):
        figures = evaluate(kith, given.folder)
    if given.json:
        print(json.dumps(asdict(figures)))
    else:
        Console().print(table(figures))


if __name__ == "__main__":
    main()
