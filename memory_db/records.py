"""How concepts and views lie in the index.

A concept is one point without a vector, its *record*: texts, etag and the list of its views. Each
view is a point with a vector that names its concept. The record alone says what is true, so one
write of one point takes an edit from "not yet" to "done"; a view point that its record does not
list is nobody's, and those of a forgotten concept are left as they are, for undo.
"""

import os
import secrets
import time
import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from memory_db.index import Point
from memory_db.schema import Concept, Vectors, View


class Kind(StrEnum):
    """What a point is."""

    CONCEPT = "concept"
    FORGOTTEN = "forgotten"
    """The record of a forgotten concept, until it is purged."""
    VIEW = "view"
    NEGATIVE = "negative"
    REMOVED = "removed"
    """What is left of a removed view, until it is purged: the name of its photo."""


VIEWS = (Kind.VIEW, Kind.NEGATIVE)


def new_id() -> str:
    """A UUID of version 7: in order of time, so that listing by id is listing by age."""
    millis, rest = divmod(time.time_ns(), 1_000_000)
    fraction = (rest << 12) // 1_000_000
    random = int.from_bytes(os.urandom(8), "big") & (1 << 62) - 1
    return str(uuid.UUID(int=millis << 80 | 7 << 76 | fraction << 64 | 2 << 62 | random))


def new_etag() -> str:
    """What no version of a concept had before."""
    return secrets.token_hex(8)


def is_id(text: str) -> bool:
    """Whether a text may be an id of ours; the index takes no others."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


def record_point(concept: Concept) -> Point:
    """The point that holds a concept."""
    payload: dict[str, Any] = {
        "kind": Kind.FORGOTTEN if concept.forgotten else Kind.CONCEPT,
        "name": concept.name,
        "category": concept.category,
        "description": concept.description,
        "etag": concept.etag,
        "created": concept.created.isoformat(),
        "updated": concept.updated.isoformat(),
        "request": list(concept.requests),
        "forgotten": concept.forgotten and concept.forgotten.isoformat(),
        "views": [
            {
                "id": view.id,
                "blob": view.blob,
                "box": view.box,
                "negative": view.negative,
                "created": view.created.isoformat(),
            }
            for view in concept.views
        ],
    }
    return Point(concept.id, payload)


def concept_of(point: Point) -> Concept:
    """The concept that a point holds."""
    fields = point.payload
    forgotten = fields["forgotten"]
    return Concept(
        id=point.id,
        name=fields["name"],
        category=fields["category"],
        description=fields["description"],
        etag=fields["etag"],
        created=datetime.fromisoformat(fields["created"]),
        updated=datetime.fromisoformat(fields["updated"]),
        views=tuple(_view_of(view) for view in fields["views"]),
        requests=tuple(fields["request"]),
        forgotten=None if forgotten is None else datetime.fromisoformat(forgotten),
    )


def view_point(concept: Concept, view: View, vector: Vectors | None) -> Point:
    """The point that holds a view's vector."""
    kind = Kind.NEGATIVE if view.negative else Kind.VIEW
    return Point(view.id, {"kind": kind, "concept": concept.id, "blob": view.blob}, vector)


def removed_point(point_id: str, blob: str) -> Point:
    """What stands in the place of a view, or of a record, until it is purged."""
    return Point(point_id, {"kind": Kind.REMOVED, "blob": blob})


def _view_of(fields: Mapping[str, Any]) -> View:
    box = fields["box"]
    return View(
        id=fields["id"],
        blob=fields["blob"],
        box=None if box is None else (box[0], box[1], box[2], box[3]),
        negative=fields["negative"],
        created=datetime.fromisoformat(fields["created"]),
    )
