"""What is forgotten and purged is found nowhere, whoever looks at the bytes."""

import struct
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from memory_db import UNDO_WINDOW_S, Concept, ConceptStore, NewView, Vectors
from memory_db.photos import content_hash
from tests.assistant.world import PaintEmbedder, open_store
from tests.reliability.painted import painted, photo_of
from tests.reliability.table import Effort, Table

VIEWS = {"short": 320, "long": 10_000}
A_CONCEPT = 16
"""Views, as many as a method takes."""
DIM = 512
KEPT = 1_000
SOUGHT = 20
"""Concepts whose texts and views are sought, spread over all that are forgotten."""
PAGE = 65_536


def needles(concept: Concept, views: list[NewView]) -> dict[str, list[bytes]]:
    """What tells of a concept, in every way that it may have been written."""
    return {
        "name": [concept.name.encode(), concept.name.encode("utf-16-le")],
        "description": [concept.description.encode()],
        "id": [concept.id.encode(), bytes.fromhex(concept.id.replace("-", ""))],
        "photo": [view.image[-64:] for view in views],
        "content hash": [
            way
            for view in views
            for way in (content_hash(view.image).encode(), bytes.fromhex(content_hash(view.image)))
        ],
        "vector": [way for view in views for way in written(view.vector)],
    }


def written(vector: Vectors) -> list[bytes]:
    """A few numbers of a vector as a file holds them, least or most significant byte first.

    In a log each number has a byte before it that says what follows.
    """
    unit = (vector / np.linalg.norm(vector))[:4]
    numbers = [struct.pack(">f", number) for number in unit]
    return [unit.astype("<f4").tobytes(), b"".join(numbers), b"\xfa".join(numbers)]


def found(folder: Path, sought: dict[str, list[bytes]]) -> dict[str, list[str]]:
    """The files below a folder that hold any of what is sought, or are named so."""
    contents = {
        path: str(path).encode() + b"\0" + b"".join(pages(path))
        for path in folder.rglob("*")
        if path.is_file()
    }
    return {
        what: [path.name for path, held in contents.items() if any(way in held for way in ways)]
        for what, ways in sought.items()
    }


def pages(path: Path) -> Iterator[bytes]:
    """What a file holds, without the many empty pages of the engine's."""
    with path.open("rb") as file:
        while page := file.read(PAGE):
            if page.strip(b"\0"):
                yield page


def late() -> datetime:
    """When every undo window has passed."""
    return datetime.now(UTC) + timedelta(seconds=UNDO_WINDOW_S + 1)


def a_view(rng: np.random.Generator) -> NewView:
    vector = rng.normal(size=DIM).astype(np.float32)
    return NewView(rng.bytes(2000), vector, (1.0, 2.0, 30.0, 40.0))


def filled(folder: Path, views: int) -> tuple[ConceptStore, dict[str, list[NewView]]]:
    """A memory with that many views to be forgotten, among others; and what was put in, by id."""
    store = ConceptStore.open(folder, user="me", model="m", dim=DIM)
    rng = np.random.default_rng(5)
    put: dict[str, list[NewView]] = {}
    for number in range((views + KEPT) // A_CONCEPT):
        new = [a_view(rng) for _ in range(A_CONCEPT)]
        concept = store.remember(
            f"Xanthippe {number:05}", "dog", f"She barks {number:05} times.", new
        )
        put[concept.id] = new
    return store, put


def test_what_is_purged_is_found_nowhere_and_is_gone_soon(tmp_path: Path, effort: Effort) -> None:
    oracle = "the bytes of every file below the folder, the log of the process among them"
    with Table("Forgetting", oracle, effort) as table:
        views = VIEWS[effort]
        store, put = filled(tmp_path / "many", views)
        with store:
            doomed = store.list(views // A_CONCEPT).concepts
            sought: dict[str, list[bytes]] = {}
            for concept in doomed[:: max(1, len(doomed) // SOUGHT)]:
                for what, ways in needles(concept, put[concept.id][:2]).items():
                    sought.setdefault(what, []).extend(ways)
            before = found(tmp_path / "many", sought)
            began = time.monotonic()
            for concept in doomed:
                store.forget(concept.id)
            forgotten = time.monotonic() - began
            store._now = late
            purged = store.purge_expired()
            took = time.monotonic() - began
            after = found(tmp_path / "many", sought)
            left = store.list(1000, forgotten_too=True).concepts
        table.traffic(
            "texts and bytes sought", sum(map(len, sought.values())), at_least=SOUGHT * 15
        )
        table.traffic("views forgotten", purged.photos, at_least=views - A_CONCEPT)
        for what in sought:
            table.at_least(f"{what}: files that tell of it before", len(before[what]), 1)
            table.exactly(f"{what}: after", len(after[what]), 0)
        table.exactly("concepts kept", len(left), len(put) - len(doomed))
        table.tell(f"{len(doomed)} calls of Forget", forgotten, "s")
        table.at_most(f"{purged.photos:,} views forgotten and purged", took, 10, "s")
        for what, count in served(tmp_path / "served").items():
            table.exactly(f"served: {what}", count, 0)


def served(folder: Path) -> dict[str, int]:
    """The same of an assistant that was asked about what was then forgotten; its log, too."""
    folder.mkdir()
    photo, secret = photo_of("dog", 17), "Xanthippe of Athens"
    with painted(folder) as server, server.client() as kith:
        made = kith.remember(secret, photo, category="dog", description="She barks at Socrates.")
        kith.ask(f"Where is <{secret}>?", photo)
        kith.retrieve(photo)
        kith.reject(secret, photo_of("dog", 60))
        (seen,) = [view for view in kith.get(secret).views if not view.negative]
        kept = kith.get_view(seen.name).photo
        kith.forget(secret)
    with open_store(server.memory) as store:
        (concept,) = store.list(forgotten_too=True).concepts
        # The painted embedder's own numbers are too round to be told from others.
        sought = needles(concept, [NewView(kept, np.ones(PaintEmbedder.dim, np.float32), None)])
        del sought["vector"]
        before = found(folder, sought)
        assert all(before.values()), before
        assert made.name.endswith(concept.id)
        store._now = late
        store.purge_expired()
    return {what: len(files) for what, files in found(folder, sought).items()}
