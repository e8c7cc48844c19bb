"""What is proposed for each picture of a dataset, by what was measured of it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from datagen.journal import read_journal
from datagen.likeness import CLOSE, LEAST
from datagen.prints import NEAR
from datagen.quality import Quality, fault
from datagen.rows import Row

SCORES: Final = "scores.jsonl"

Measured = Mapping[str, Any]
"""A picture's `sha256`, `subjects` (`concept`, `box`, `cosine`, `likeness`, `rival`), `quality` and
`print`, as JSON holds them."""


def propose(rows: Mapping[str, Row], measured: Mapping[str, Measured]) -> Iterator[Row]:
    """The lines of the scores. A near-copy is one of an earlier picture that was not rejected.

    Args:
        rows: The metadata of each picture by its file.
        measured: What was measured of it, in the order of the lines.
    """
    kept: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for file, found in measured.items():
        concepts = tuple(sorted(rows[file]["concepts"]))
        cause = _cause(found)
        copy_of = "" if cause else _copied(found, kept[concepts], measured)
        cause = cause or ("NEAR_DUPLICATE" if copy_of else "")
        if not cause:
            kept[concepts].append(file)
        yield {
            "file_name": file,
            "sha256": found["sha256"],
            "proposal": "reject" if cause else "keep",
            "cause": cause,
            "copy_of": copy_of,
            "subjects": found["subjects"],
            **found["quality"],
        }


def across_parts(scores: Iterable[Row]) -> int:
    """How many are near-copies of a picture in another part: of one in `train`, say, in `test`."""
    pairs = [(one["file_name"], one["copy_of"]) for one in scores if one["copy_of"]]
    return sum(file.partition("/")[0] != other.partition("/")[0] for file, other in pairs)


def read_scores(out: Path) -> dict[str, Row]:
    """The lines of a dataset's `scores.jsonl` by file; none if it was not cleaned."""
    return {score["file_name"]: score for score in read_journal(out / SCORES)}


def _cause(found: Measured) -> str:
    """What is wrong with a picture by itself, the gravest first."""
    least = min(one["likeness"] for one in found["subjects"])
    if least < LEAST:
        return "SUBJECT_MISSING"
    if any(one["rival"] for one in found["subjects"]):
        return "SUBJECTS_FUSED"
    if least < CLOSE:
        return "SUBJECT_UNLIKE"
    return fault(Quality(**found["quality"])) or ""


def _copied(found: Measured, kept: Sequence[str], measured: Mapping[str, Measured]) -> str:
    """The first of the kept pictures of the same concepts that this one is a near-copy of."""
    mine = np.array(found["print"], np.float32)
    near = (file for file in kept if float(np.dot(mine, measured[file]["print"])) >= NEAR)
    return next(near, "")
