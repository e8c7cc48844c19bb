"""A dataset small enough to be made in a test: five concepts, eleven pictures."""

import hashlib
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from datagen import layout_files
from datagen.dataset import Dataset
from datagen.engines import Drawn, Judge, Shown, Source, judge_by_truth
from datagen.identities import Identity, identities
from datagen.layout import Layout
from datagen.making import Commission, make, missing
from datagen.plan import Job, Settings, draw_up
from datagen.playroom_engine import PlayroomEngine

MIDDLE = [0.25, 0.25, 0.75, 0.75]
LEFT, RIGHT = [0, 0.25, 0.5, 0.75], [0.5, 0.25, 1, 0.75]
LAYOUT: dict[str, Any] = {
    "name": "small",
    "title": "a test",
    "scenarios": 2,
    "pictures": 2,
    "articles": "added",
    "targets": {"train": 5, "test": 3, "multi": 3},
    "concepts": {
        "pet": {"count": 2, "playroom": ["dog"]},
        "object": {"count": 2, "playroom": ["cup"]},
        "top": {"count": 1, "playroom": ["shirt"]},
    },
    "single": [
        {
            "subjects": [{"role": "one", "category": kind, "box": MIDDLE}],
            "prompts": ["{one} in the snow", "A photo of {one}"],
        }
        for kind in ("pet", "object", "top")
    ],
    "multi": [
        {
            "table": "3.5",
            "subjects": [
                {"role": "pet", "category": "pet", "box": LEFT},
                {"role": "object", "category": "object", "box": RIGHT},
                {"role": "top", "category": "top", "box": LEFT},
            ],
            "prompts": ["{pet} in {top} with {object}", "{object} before {pet} in {top}"],
        },
        {
            "subjects": [
                {"role": "pet", "category": "pet", "box": LEFT},
                {"role": "pet", "category": "pet", "box": RIGHT},
            ],
            "prompts": ["{pet} and {pet}", "{pet} beside {pet}"],
        },
    ],
}


class Flat:
    """An engine that fills a picture with the colour of its seed, and knows nothing."""

    def __init__(self, batch: int = 1) -> None:
        self.settings: Settings = {"name": "flat"}
        self.batch = batch
        self.batches: list[list[tuple[str, int]]] = []

    @property
    def drawn(self) -> list[str]:
        return [job for batch in self.batches for job, _ in batch]

    def draw_all(self, wanted: Sequence[tuple[Job, int]]) -> list[Drawn]:
        self.batches.append([(job.id, attempt) for job, attempt in wanted])
        return [self._draw(job, attempt) for job, attempt in wanted]

    def _draw(self, job: Job, attempt: int) -> Drawn:
        color = tuple(job.seed_at(attempt).to_bytes(5, "big")[-3:])
        unknown = tuple(Shown(None, None) for _ in job.subjects)
        return Drawn(Image.new("RGB", (8, 8), color), unknown, job.caption, ())


class TwoViews:
    """A concept of Playroom with two seed pictures in place of ten."""

    def __init__(self, known: Identity) -> None:
        self.concept = known.concept
        self.views = lambda: islice(known.views(), 2)
        self.photos = known.photos


def small_layout(folder: Path, **changed: object) -> Layout:
    """The layout above, read from a file; with some entries changed."""
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(LAYOUT | changed, sort_keys=False), encoding="utf-8")
    return layout_files.read(path)


def commission(out: Path, seed: int = 0, limit: int | None = None) -> Commission:
    """The small dataset in Playroom."""
    out.parent.mkdir(parents=True, exist_ok=True)
    wanted = small_layout(out.parent)
    known = identities(wanted, seed)
    engine = PlayroomEngine(known)
    concepts = [one.concept for one in known]
    plan = draw_up(wanted, concepts, engine.settings, seed, limit)
    return Commission(wanted, plan, tuple(map(TwoViews, known)), engine, Dataset(out))


def finish(ordered: Commission, judge: Judge = judge_by_truth) -> None:
    """Make what is missing of a dataset, in one share."""
    list(make(ordered, judge=judge))
    assert missing(ordered) == 0
    ordered.dataset.finish(ordered.plan, ordered.layout)


def write_seeds(folder: Path, names: Sequence[str], photos: int = 0) -> None:
    """A folder of seeds: pets that are one plain colour each."""
    for number, name in enumerate(names):
        for part, count in (("train", 2), ("test", photos)):
            for i in range(count):
                path = folder / name / part / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (12, 8), (40 * number, 80 * i, 90)).save(path)
    told = {name: {"category": "pet", "noun": "dog"} for name in names}
    (folder / "concepts.yaml").write_text(yaml.safe_dump(told, allow_unicode=True), "utf-8")


def tree(folder: Path) -> dict[str, str]:
    """Every file of a dataset with its hash; the work folder's locks aside."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def described(sources: Sequence[Source]) -> list[tuple[str, str]]:
    """The names and categories of concepts."""
    return [(one.concept.name, one.concept.category) for one in sources]
