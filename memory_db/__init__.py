"""The memory: concepts, their views and their photos, kept for one user at a time.

`ConceptStore` is the way in. Below it lie a `VectorIndex` (embedded or on a server) and a
`PhotoStore`; `rap_format` and `archive` carry memories in and out.
"""

from memory_db.events import Edit, EditKind, Subscription
from memory_db.place import Kept, MemoryPlace
from memory_db.schema import (
    UNDO_WINDOW_S,
    Box,
    Concept,
    Neighbour,
    NewView,
    Page,
    Vectors,
    View,
)
from memory_db.snapshot import Snapshot
from memory_db.store import ConceptStore

__all__ = [
    "UNDO_WINDOW_S",
    "Box",
    "Concept",
    "ConceptStore",
    "Edit",
    "EditKind",
    "Kept",
    "MemoryPlace",
    "Neighbour",
    "NewView",
    "Page",
    "Snapshot",
    "Subscription",
    "Vectors",
    "View",
]
