"""What files and values hold, in a few letters: two of the same are the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from evaluation.manifest import Concept, Dataset, Photo


@lru_cache(maxsize=65536)
def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; read once a process."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fingerprint(told: Any) -> str:  # noqa: ANN401 - plain JSON of any form
    """SHA-256 of a plain value, in hexadecimal."""
    text = json.dumps(told, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def of_dataset(dataset: Dataset) -> str:
    """SHA-256 of all that a dataset says and shows; where its files lie does not matter."""
    return fingerprint(
        {
            "concepts": list(map(_concept, dataset.concepts)),
            "photos": list(_photos(dataset.photos)),
            "outside": list(_photos(dataset.outside)),
            "outside_multi": list(_photos(dataset.outside_multi)),
        }
    )


def _concept(concept: Concept) -> Mapping[str, Any]:
    views = list(map(digest, concept.views))
    return {**vars(concept), "views": views, "alike": sorted(concept.alike)}


def _photos(photos: Iterable[Photo]) -> Iterable[Mapping[str, Any]]:
    return ({**asdict(photo), "path": digest(photo.path)} for photo in photos)
