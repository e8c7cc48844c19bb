"""Masks of a dataset that Playroom drew: it knows whose each pixel is, so nobody has to mark any.

    OUT/seeds/NAME/train/01.png      where the concept of a seed picture is
    OUT/train/0001.png               where the one concept of a picture is; the same in test
    OUT/multi/0001/NAME.png          where each concept of a picture is

Every picture is drawn again, and its mask is written only if its file comes out byte for byte.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from datagen.finished import Finished
from datagen.identities import Identity, identities
from datagen.layout import Layout
from datagen.pictures import jpeg, png
from datagen.playroom import Picture
from datagen.playroom_engine import PlayroomEngine
from datagen.rows import file_name
from kith.errors import InvalidInput, Refused
from kith.files import write_whole


class ExactMask(NamedTuple):
    """A mask on disk: 255 where the concept's pixels are, 0 elsewhere, as large as the picture."""

    picture: str
    """Its file in the dataset, as in "train/0001.jpg"."""
    concept: str
    mask: Path
    share: float
    """Of the picture that it covers, 0 to 1."""


@dataclass(frozen=True)
class Redrawable:
    """A picture of a dataset, to be drawn again."""

    dataset: Path
    file: str
    subjects: Mapping[str, Identity]
    """The concepts to outline, by their masks without the suffix, as in "multi/0001/bo"."""
    draw: Callable[[], Picture]

    def write_masks(self, out: Path) -> Iterator[ExactMask]:
        """Write the mask of each concept of the picture.

        Raises:
            Refused: The file is not what Playroom draws, or a mask can't be written.
        """
        picture = self.draw()
        path = self.dataset / self.file
        if path.read_bytes() != jpeg(Image.fromarray(picture.image)):
            raise Refused(
                f"dataset: {path} is not what Playroom draws for it here; delete it and let the "
                "command in the dataset's README.md draw it anew",
                reason="PICTURE_CHANGED",
                field="dataset",
            )
        masks = {thing.concept: thing.mask for thing in picture.things}
        for name, subject in self.subjects.items():
            mask = masks[subject.drawn]
            target = out / f"{name}.png"
            write_whole(target, png(mask))
            yield ExactMask(self.file, subject.name, target, float(mask.mean()))


def redrawable(dataset: Finished, layout: Layout) -> list[Redrawable]:
    """Every seed picture of a dataset and every picture that was drawn.

    Args:
        dataset: By Playroom.
        layout: The one that it was made by.

    Raises:
        InvalidInput: It is the dataset of another engine or of another layout.
        Refused: Another version of Kith has made it, or its seeds are gone.
    """
    _check(dataset, layout)
    known = identities(layout, dataset.plan.seed)
    settings = PlayroomEngine(known).settings
    concepts = tuple(one.concept for one in known)
    if (dataset.plan.engine, dataset.plan.concepts) != (settings, concepts):
        raise Refused(
            f"dataset: {dataset.out} was made by another version of Kith, whose Playroom draws "
            "otherwise; make it anew in another folder",
            reason="PLAN_DIFFERS",
            field="dataset",
        )
    return [*_seeds(dataset, known), *_pictures(dataset, known)]


def _check(dataset: Finished, layout: Layout) -> None:
    plan = dataset.plan
    if plan.engine["name"] != "playroom":
        raise InvalidInput(
            f"dataset: {dataset.out} was drawn by {plan.engine['name']}, which does not tell whose "
            "each pixel is; mark its pictures and name --annotations, --pictures and --sam",
            reason="OPTION_CONFLICT",
            field="dataset",
        )
    if plan.layout_sha256 != layout.sha256:
        raise InvalidInput(
            f"split: {layout.name} is not the layout that {dataset.out} was made by, which is "
            f"called {plan.layout}; name that one, or its file",
            reason="PLAN_DIFFERS",
            field="split",
        )


def _seeds(dataset: Finished, known: Sequence[Identity]) -> Iterator[Redrawable]:
    for one in known:
        for number, path in enumerate(dataset.views(one.name)):
            file = path.relative_to(dataset.out)
            subjects = {file.with_suffix("").as_posix(): one}
            draw = partial(one.portrait, number)
            yield Redrawable(dataset.out, file.as_posix(), subjects, draw)


def _pictures(dataset: Finished, known: Sequence[Identity]) -> Iterator[Redrawable]:
    named = {one.name: one for one in known}
    engine = PlayroomEngine(known)
    jobs = {f"{job.part}/{file_name(job)}": job for job in dataset.plan.jobs}
    for file, row in dataset.rows.items():
        stem = file.removesuffix(".jpg")
        alone = len(row["concepts"]) == 1
        subjects = {stem if alone else f"{stem}/{name}": named[name] for name in row["concepts"]}
        draw = partial(engine.picture, jobs[file], row["attempt"])
        yield Redrawable(dataset.out, file, subjects, draw)
