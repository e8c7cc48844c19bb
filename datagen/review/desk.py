"""What lies before the reviewers of one dataset."""

import threading
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from datagen.finished import Finished
from datagen.proposals import read_scores
from datagen.review.opinions import (
    CAUSES,
    Opinion,
    Picture,
    read_opinions,
    write_opinion,
)
from kith.errors import NotFound


class Desk:
    """The pictures of a finished dataset, their seeds, and what was said. For any thread.

    Args:
        dataset: It must not be made further meanwhile.

    Raises:
        Refused: What was said can't be read.
    """

    def __init__(self, dataset: Finished) -> None:
        self._dataset, out = dataset, dataset.out
        self._hashes = {
            file: sha256((out / file).read_bytes()).hexdigest() for file in dataset.rows
        }
        self._scores = read_scores(out)
        self._seeds = {
            concept.name: [path.relative_to(out).as_posix() for path in dataset.views(concept.name)]
            for concept in dataset.plan.concepts
        }
        self._files = {*self._hashes, *(file for files in self._seeds.values() for file in files)}
        self._opinions = read_opinions(out)
        # Several review at once: what is shown is in the journal's order, and whole.
        self._alone = threading.Lock()

    def told(self) -> dict[str, Any]:
        """All that the page shows."""
        with self._alone:
            pictures = [self._picture(file) for file in self._hashes]
        return {
            "name": self._dataset.out.resolve().name,
            "causes": CAUSES,
            "seeds": self._seeds,
            "pictures": pictures,
        }

    def path(self, file: str) -> Path:
        """Where a picture or a seed lies.

        Raises:
            NotFound: The dataset has no such picture.
        """
        if file not in self._files:
            raise NotFound(
                f"file_name: the dataset has no picture {file!r}; load the page anew",
                reason="PICTURE_MISSING",
                field="file_name",
            )
        return self._dataset.out / file

    def record(self, file: str, reviewer: str, opinion: Opinion) -> Mapping[str, Any]:
        """Write down what a reviewer says of a picture, and give what all say of it.

        Raises:
            NotFound: The dataset has no such picture.
            Refused: It can't be written.
        """
        self.path(file)
        picture = Picture(file, self._hashes[file])
        with self._alone:
            write_opinion(self._dataset.out, picture, reviewer, opinion)
            said = self._opinions.setdefault(picture, {})
            if opinion.decision == "withdrawn":
                said.pop(reviewer, None)
            else:
                said[reviewer] = opinion
            return _told(said)

    def _picture(self, file: str) -> dict[str, Any]:
        row, score = self._dataset.rows[file], self._scores.get(file)
        picture = Picture(file, self._hashes[file])
        return {
            "file_name": file,
            "concepts": row["concepts"],
            "prompt": row["prompt"],
            "score": score if score and score["sha256"] == picture.sha256 else None,
            "opinions": _told(self._opinions.get(picture, {})),
        }


def _told(said: Mapping[str, Opinion]) -> dict[str, Any]:
    return {reviewer: opinion._asdict() for reviewer, opinion in said.items()}
