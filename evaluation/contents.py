"""What files and values hold, in a few letters: two of the same are the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from evaluation.manifest import Concept, Dataset, Photo
from kith.errors import InvalidInput


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; it is read again when it has changed.

    Raises:
        InvalidInput: It can't be read.
    """
    try:
        state = path.stat()
        return _digest(path, state.st_size, state.st_mtime_ns)
    except OSError as error:
        raise InvalidInput(
            f"data: can't read {path}: {error.strerror}; kith evaluate check tells all that is "
            "missing",
            reason="FILE_UNREADABLE",
            field="data",
        ) from error


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


@lru_cache(maxsize=65536)
def _digest(path: Path, size: int, changed: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _concept(concept: Concept) -> Mapping[str, Any]:
    views = list(map(digest, concept.views))
    return {**vars(concept), "views": views, "alike": sorted(concept.alike)}


def _photos(photos: Iterable[Photo]) -> Iterable[Mapping[str, Any]]:
    return ({**asdict(photo), "path": digest(photo.path)} for photo in photos)
