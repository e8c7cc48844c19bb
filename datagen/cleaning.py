"""Cleaning: what each drawn picture measures by the criteria of the thesis (3.5.3), and a proposal.

    OUT/scores.jsonl      a line for each picture that was drawn
    OUT/rejections.png    these proposals and what was rejected before, by subjects and cause

A proposal is a stand-in for eyes: anatomy, lost details and wrong proportions (3.5.5) are not
measured, and of a photographic look only how even the picture is, by which nothing is rejected.
What each criterion is measured by stands in docs/mp-bench.md.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from datagen.dataset import DECISIONS
from datagen.finished import Finished
from datagen.journal import append, read_journal
from datagen.likeness import Yardstick, yardsticks
from datagen.locks import WORK
from datagen.pictures import open_picture
from datagen.pool import Vectors
from datagen.prints import fingerprint
from datagen.proposals import SCORES, Measured, across_parts, propose
from datagen.quality import measure
from datagen.regions import Eyes, find_subjects
from datagen.rejections import rejection_table, table_of
from datagen.rows import Row
from kith.files import write_whole

TABLE: Final = "rejections.png"
_MEASURED: Final = "measured.jsonl"
_WAY: Final = 2
"""Of measuring: to be raised with every change, so that what was measured otherwise is not used."""


class Cleaned(NamedTuple):
    """What came of a cleaning."""

    pictures: int
    rejected: Mapping[str, int]
    """By cause, the most frequent first."""
    across_parts: int
    """Near-copies of a picture in another part: of one in `train`, say, in `test`."""


def clean(
    dataset: Finished, eyes: Eyes, tell: Callable[[int], None] = lambda done: None
) -> Cleaned:
    """Measure every drawn picture and propose what to keep. It can be stopped anywhere.

    Args:
        dataset: Its folder gets the scores.
        eyes: What looks for the subjects.
        tell: Called with the number of pictures done.

    Raises:
        InvalidInput: A picture can't be read.
        Refused: The folder can't be written.
    """
    journal = dataset.out / WORK / _MEASURED
    known = {entry["key"]: entry["measured"] for entry in read_journal(journal)}
    sticks = yardsticks(_seeds(dataset, eyes))
    measured: dict[str, Measured] = {}
    for file in dataset.rows:
        key = _key(dataset, file, eyes)
        if key not in known:
            known[key] = _measure(dataset, file, eyes, sticks)
            append(journal, {"key": key, "measured": known[key]})
        measured[file] = known[key]
        tell(len(measured))
    scores = list(propose(dataset.rows, measured))
    told = "".join(f"{json.dumps(score, ensure_ascii=False)}\n" for score in scores)
    table = table_of([*_rejected(dataset), *_proposed(scores)])
    write_whole(dataset.out / SCORES, told.encode())
    write_whole(dataset.out / TABLE, rejection_table(table))
    causes = table_of(_proposed(scores)).by_cause()
    return Cleaned(len(scores), causes, across_parts(scores))


def _measure(dataset: Finished, file: str, eyes: Eyes, sticks: Mapping[str, Yardstick]) -> Measured:
    path = dataset.out / file
    picture = open_picture(path, "out")
    subjects = find_subjects(picture, dataset.rows[file]["subjects"], eyes, sticks)
    return {
        "sha256": sha256(path.read_bytes()).hexdigest(),
        "subjects": [
            {
                "concept": one.concept,
                "box": [round(edge, 4) for edge in one.box],
                "cosine": round(one.likeness.cosine, 3),
                "likeness": round(one.likeness.scaled, 3),
                "rival": one.rival,
            }
            for one in subjects
        ],
        "quality": {name: round(value, 3) for name, value in measure(picture)._asdict().items()},
        "print": [round(float(value), 4) for value in fingerprint(picture)],
    }


def _proposed(scores: Sequence[Row]) -> Iterator[tuple[int, str]]:
    """The number of subjects and the cause of each picture; no cause where it is to be kept."""
    return ((len(score["subjects"]), score["cause"]) for score in scores)


def _rejected(dataset: Finished) -> Iterator[tuple[int, str]]:
    """The same of the attempts that are no more."""
    subjects = {job.id: len(job.subjects) for job in dataset.plan.jobs}
    for entry in read_journal(dataset.out / DECISIONS):
        if entry["decision"] == "reject":
            yield subjects[entry["id"]], entry["cause"]


def _seeds(dataset: Finished, eyes: Eyes) -> dict[str, Vectors]:
    return {
        concept.name: eyes.embed(
            [open_picture(path, "out") for path in dataset.views(concept.name)]
        )
        for concept in dataset.plan.concepts
    }


def _key(dataset: Finished, file: str, eyes: Eyes) -> str:
    """What a measurement depends on: the picture, where its subjects are said to be, the eyes."""
    subjects = dataset.rows[file]["subjects"]
    seeds = [concept.fingerprint for concept in dataset.plan.concepts]
    told = json.dumps([_WAY, eyes.name, subjects, seeds]).encode()
    return sha256((dataset.out / file).read_bytes() + told).hexdigest()
