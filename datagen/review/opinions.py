"""What reviewers said of a dataset's pictures, and what follows from it.

`reviews.jsonl` in the dataset's folder is a journal: a reviewer's last word on a picture counts. A
word is about a file with certain bytes: the picture that takes a rejected one's place is new.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal, NamedTuple, get_args

from datagen.journal import Entry, append, read_journal
from kith.errors import Refused

REVIEWS: Final = "reviews.jsonl"

CAUSES: Final = {
    "SUBJECT_MISSING": "a subject is missing",
    "SUBJECT_UNLIKE": "a subject looks like another",
    "SUBJECTS_FUSED": "subjects flow together",
    "SUBJECT_CUT": "a figure is cut",
    "ANATOMY_WRONG": "hands, paws or limbs are wrong",
    "DETAIL_LOST": "a fine detail is lost",
    "PROPORTIONS_WRONG": "sizes do not fit together",
    "NOT_PHOTOGRAPHIC": "it does not look like a photo",
    "BLURRED": "it is blurred",
    "EXPOSURE_WRONG": "it is too dark or too bright",
    "ARTEFACTS": "it has noise, blocks or a grid",
    "NEAR_DUPLICATE": "it is nearly the same as another",
}
"""Why a picture is rejected, in words; by 3.5.3 and 3.5.5 of the thesis."""

Decision = Literal["keep", "reject", "withdrawn"]


class Opinion(NamedTuple):
    """What somebody said of a picture."""

    decision: Decision
    """Withdrawn is as if nothing had been said."""
    cause: str
    """One of `CAUSES` where it is rejected, empty otherwise."""


class Picture(NamedTuple):
    """A file with certain bytes."""

    file: str
    """In the dataset's folder, as in "train/0001.jpg"."""
    sha256: str


Opinions = dict[Picture, dict[str, Opinion]]
"""By picture, then by reviewer."""


def read_opinions(out: Path) -> Opinions:
    """What stands in a dataset's folder; nothing if nobody has reviewed it.

    Raises:
        Refused: It can't be read, or somebody wrote something else into it.
    """
    found: Opinions = {}
    for entry in read_journal(out / REVIEWS):
        picture, reviewer, opinion = _parsed(out, entry)
        said = found.setdefault(picture, {})
        if opinion.decision == "withdrawn":
            said.pop(reviewer, None)
        else:
            said[reviewer] = opinion
    return found


def write_opinion(out: Path, picture: Picture, reviewer: str, opinion: Opinion) -> None:
    """Add what a reviewer says of a picture; on return it is on the disk.

    Raises:
        Refused: It can't be written.
    """
    told: Entry = {"file_name": picture.file, "sha256": picture.sha256, "reviewer": reviewer}
    append(out / REVIEWS, told | opinion._asdict())


def read_rejections(out: Path) -> Mapping[tuple[str, str], str]:
    """The pictures that are to go, and why.

    Raises:
        Refused: The journal can't be read.
    """
    weighed = {picture: _cause(said.values()) for picture, said in read_opinions(out).items()}
    return {picture: cause for picture, cause in weighed.items() if cause}


def _parsed(out: Path, entry: Entry) -> tuple[Picture, str, Opinion]:
    try:
        opinion = Opinion(entry["decision"], entry["cause"])
        picture = Picture(entry["file_name"], entry["sha256"])
        known = opinion.decision in get_args(Decision)
        if known and (opinion.cause in CAUSES) == (opinion.decision == "reject"):
            return picture, entry["reviewer"], opinion
    except (KeyError, TypeError):
        pass
    raise Refused(
        f"reviews: {out / REVIEWS} has {json.dumps(entry)}, which is no review; take the line out",
        reason="REVIEWS_UNREADABLE",
        field="reviews",
    )


def _cause(opinions: Iterable[Opinion]) -> str:
    """Why most reviewers reject a picture, or nothing; where they are even, it goes."""
    said = list(opinions)
    causes = Counter(one.cause for one in said if one.decision == "reject")
    if 2 * causes.total() < len(said) or not causes:
        return ""
    return min(causes, key=lambda cause: (-causes[cause], list(CAUSES).index(cause)))
