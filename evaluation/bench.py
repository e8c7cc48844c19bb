"""The offline bench: ``python -m evaluation.bench FOLDER``. Playroom stands for the world.

    FOLDER/yollava, msbench    MP-Bench's two splits; no name and no look is there twice
    FOLDER/original            everyday pictures of half of the same concepts, without MP-Bench's
                               layouts: what real test photos are to generated ones
    FOLDER/outside             pictures of one thing each that is no concept of any of these
    FOLDER/outside-multi       pictures of two or three such things
    FOLDER/distractors         further concepts, a view each, to fill a memory with

All but the pictures outside are read by `evaluation.datasets.read`. Half of the things that stand
alone outside are of kinds that the memory holds too, the rest of others. The same call gives the
same bytes, whether or not it was stopped on the way.
"""

import argparse
import io
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image

from datagen import playroom
from datagen.chance import seed_of, shuffled
from datagen.dataset import CHECKSUMS, Dataset
from datagen.engines import judge_by_truth
from datagen.identities import SIZE, Identity, names
from datagen.identities import identities as playroom_identities
from datagen.layout import Box, Category, Layout, Targets
from datagen.layout_files import load
from datagen.making import Commission, make
from datagen.pictures import jpeg, write_whole
from datagen.plan import Job, Subject, draw_up
from datagen.playroom_engine import PlayroomEngine
from kith.errors import InvalidInput, KithError

SPLITS: Final = ("yollava", "msbench")
ORIGINAL: Final = "original"
OUTSIDE: Final = "outside"
OUTSIDE_MULTI: Final = "outside-multi"
DISTRACTORS: Final = "distractors"

Whose = Literal["test", "validation"]
"""Which of Playroom's identities; methods are tuned on those of "validation" alone."""
Progress = Callable[[str, int, int], None]
"""Told which part is made, how many of its pictures are there, and of how many."""

_SETTINGS: Final = "bench.json"
_MANIFEST: Final = "manifest.json"
_MIDDLE: Final[Box] = (0.25, 0.25, 0.75, 0.75)
"""Where MP-Bench shows what is alone (Table 3.2)."""
_LEAST_VISIBLE: Final = 0.5
_QUICK_KINDS: Final = {
    "yollava": ("person", "pet", "object", "character"),
    "msbench": ("living", "object", "scene", "midwear"),
}
_QUICK_TARGETS: Final = Targets(train=8, test=24, multi=12)
"""For 8 concepts."""


@dataclass(frozen=True)
class _Size:
    """How much there is of everything."""

    outside: int
    """Pictures of one thing; as many of several."""
    distractors: int
    """With the concepts of either split, enough for a memory of 1,000, or of 100."""
    original: int
    """Pictures a concept."""


_FULL: Final = _Size(outside=100, distractors=960, original=4)
_QUICK: Final = _Size(outside=50, distractors=92, original=2)


def build(
    folder: Path, *, quick: bool, progress: Progress, identities: Whose = "test"
) -> list[Path]:
    """Make the bench, or what is missing of it.

    Args:
        folder: Made if it is not there.
        quick: A small one, in seconds: 8 concepts a split.
        progress: Called before and after every picture.
        identities: Which of Playroom's.

    Returns:
        The datasets: both splits, then the original pictures.

    Raises:
        InvalidInput: The folder holds something else, or another bench.
        Refused: Another process makes it, or it can't be written.
    """
    _settle(folder, {"quick": quick, "identities": identities})
    size = _QUICK if quick else _FULL
    known: list[Identity] = []
    for split in SPLITS:
        layout = _layout(split, quick, identities)
        seed, found = _apart(layout, known, identities)
        _make_split(folder / split, layout, seed, found, progress)
        known += found
    crowd = _Crowd(known, identities)
    _make_distractors(folder / DISTRACTORS, size.distractors, crowd, progress)
    alone = _alone(size.outside, {one.drawn.category for one in known}, crowd)
    _save(folder / OUTSIDE, alone, progress)
    _save(folder / OUTSIDE_MULTI, _together(size.outside, crowd), progress)
    _make_original(folder, known[::2], size.original, crowd, progress)
    return [folder / name for name in (*SPLITS, ORIGINAL)]


class _Crowd:
    """Things that are nobody's: none has the name or the attributes of another.

    Args:
        known: Those that it has to differ from.
        whose: Which identities.
    """

    def __init__(self, known: Sequence[Identity], whose: Whose) -> None:
        self._whose = whose
        self._looks = {_look(one) for one in known}
        taken = {one.name for one in known}
        self._names = (name for name in names(4900, "crowd") if name not in taken)
        self._chances = (seed_of("crowd", number) for number in count())

    def next(self, kind: str) -> Identity:
        """A new one of a category of Playroom."""
        drawn = (playroom.sample_concept(one, self._whose, kind) for one in self._chances)
        found = (Identity.of(one, "", kind) for one in drawn)
        new = next(one for one in found if _look(one) not in self._looks)
        self._looks.add(_look(new))
        return Identity.of(new.drawn, next(self._names), kind)


_Drawings = Mapping[str, Callable[[], bytes]]
"""Files by their paths in a folder, and what draws each."""


def _settle(folder: Path, settings: Mapping[str, Any]) -> None:
    path = folder / _SETTINGS
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise _taken(folder, "something else")
        write_whole(path, _json(settings))
    elif path.read_bytes() != _json(settings):
        raise _taken(folder, f"another bench, see {path}")


def _taken(folder: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"folder: {folder} holds {what}; name another", reason="FOLDER_TAKEN", field="folder"
    )


def _layout(split: str, quick: bool, whose: Whose) -> Layout:
    """The split's layout, or a small one of the same kind."""
    layout = load(split)
    words = [split, *(["validation"] if whose == "validation" else [])]
    if not quick:
        return replace(layout, name="-".join(words))
    kinds = _QUICK_KINDS[split]
    return replace(
        layout,
        name="-".join([*words, "quick"]),
        concepts={kind: Category(2, layout.concepts[kind].playroom) for kind in kinds},
        targets=_QUICK_TARGETS,
    )


def _apart(
    layout: Layout, known: Sequence[Identity], whose: Whose
) -> tuple[int, tuple[Identity, ...]]:
    """The first seed, and its identities, that have no name and no look of those known."""
    taken = {mark for one in known for mark in (one.name, _look(one))}
    tried = ((seed, playroom_identities(layout, seed, whose)) for seed in count())
    return next(
        (seed, found)
        for seed, found in tried
        if taken.isdisjoint(mark for one in found for mark in (one.name, _look(one)))
    )


def _look(one: Identity) -> tuple[str, ...]:
    return tuple(one.drawn.attributes.values())


def _make_split(
    out: Path, layout: Layout, seed: int, known: tuple[Identity, ...], progress: Progress
) -> None:
    engine = PlayroomEngine(known)
    plan = draw_up(layout, [one.concept for one in known], engine.settings, seed)
    commission = Commission(layout, plan, known, engine, Dataset(out))
    for step in make(commission):
        progress(out.name, step.done, step.wanted)
    if not (out / CHECKSUMS).is_file():
        commission.dataset.finish(plan, layout)


def _save(folder: Path, drawings: _Drawings, progress: Progress) -> None:
    for done, (file, draw) in enumerate(drawings.items()):
        progress(folder.name, done, len(drawings))
        if not (folder / file).exists():
            write_whole(folder / file, draw())
    progress(folder.name, len(drawings), len(drawings))


def _make_distractors(folder: Path, wanted: int, crowd: _Crowd, progress: Progress) -> None:
    chosen = [crowd.next(kind) for kind in islice(cycle(playroom.CATEGORIES), wanted)]
    _save(folder, {f"{one.name}.jpg": partial(_view, one) for one in chosen}, progress)
    told = {
        one.name: {"category": one.concept.noun, "train": [f"{one.name}.jpg"]} for one in chosen
    }
    write_whole(folder / _MANIFEST, _json({"concepts": told}))


def _view(one: Identity) -> bytes:
    """Its first seed picture, in less than half of the bytes."""
    buffer = io.BytesIO()
    next(iter(one.views())).save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def _alone(wanted: int, held: set[str], crowd: _Crowd) -> _Drawings:
    """Pictures of one thing: in turn of a kind that the memory holds, and of one it does not."""
    kinds = sorted(held), sorted({*playroom.CATEGORIES} - held) or sorted(held)
    chosen = [
        crowd.next(kinds[number % 2][number // 2 % len(kinds[number % 2])])
        for number in range(wanted)
    ]
    return {
        f"{number:04d}.jpg": partial(_generated, {one: _MIDDLE}, seed_of(OUTSIDE, number))
        for number, one in enumerate(chosen, start=1)
    }


def _together(wanted: int, crowd: _Crowd) -> _Drawings:
    """Pictures of several things, in the combinations of MP-Bench."""
    combinations = [(layout, one) for layout in map(load, SPLITS) for one in layout.multi]
    drawings = {}
    for number, (layout, combination) in enumerate(islice(cycle(combinations), wanted), start=1):
        boxes = {}
        for place, part in enumerate(combination.subjects):
            kinds = layout.concepts[part.category].playroom
            boxes[crowd.next(shuffled(kinds, OUTSIDE_MULTI, number, place)[0])] = part.box
        seed = seed_of(OUTSIDE_MULTI, number)
        drawings[f"{number:04d}.jpg"] = partial(_generated, boxes, seed)
    return drawings


def _generated(boxes: Mapping[Identity, Box], seed: int) -> bytes:
    """A picture as those of MP-Bench are made."""
    subjects = tuple(
        Subject(one.name, "", one.concept.category, one.concept.noun, box)
        for one, box in boxes.items()
    )
    job = Job("outside", "multi", "", "", 0, "", subjects, seed)
    engine = PlayroomEngine(list(boxes))
    attempts = (engine.draw(job, attempt) for attempt in count())
    return jpeg(next(drawn.image for drawn in attempts if judge_by_truth(drawn) is None))


def _make_original(
    folder: Path, known: Sequence[Identity], wanted: int, crowd: _Crowd, progress: Progress
) -> None:
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
    _save(folder / ORIGINAL, drawings, progress)
    files = [
        {"file": file, "role": "test", "source": "playroom"}
        for entry in concepts.values()
        for file in entry["test"]
    ]
    write_whole(folder / ORIGINAL / _MANIFEST, _json({"concepts": concepts, "files": files}))


def _bystanders(one: Identity, wanted: int, crowd: _Crowd) -> Iterator[Identity | None]:
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


def _json(told: Mapping[str, Any]) -> bytes:
    return (json.dumps(told, indent=1) + "\n").encode()


def main(words: list[str] | None = None) -> int:
    """Read the command line, make the bench, print its datasets. Gives the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evaluation.bench", description=__doc__)
    parser.add_argument("folder", type=Path, help="made if it is not there")
    parser.add_argument("--quick", action="store_true", help="a small one, in seconds")
    parser.add_argument("--identities", choices=("test", "validation"), default="test")
    chosen = parser.parse_args(words)
    try:
        datasets = build(
            chosen.folder, quick=chosen.quick, progress=_show, identities=chosen.identities
        )
    except KithError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.writelines(f"{path}\n" for path in datasets)
    return 0


def _show(part: str, done: int, of: int) -> None:
    if sys.stderr.isatty() or done == of:
        end = "\n" if done == of else "\r"
        sys.stderr.write(f"{part}: {done} of {of}{end}")


if __name__ == "__main__":
    sys.exit(main())
