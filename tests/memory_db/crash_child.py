"""Edits a memory until it is killed, telling of every edit before and after. Not a test itself.

    python -m tests.memory_db.crash_child FOLDER SEED

Each line is `["try", EDIT]` or `["done"]`; between the two, the edit may or may not be kept.
"""

import json
import os
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from memory_db import UNDO_WINDOW_S, ConceptStore, edge
from memory_db.photos import content_hash
from tests.memory_db.making import DIM, image, view

Edit = list[Any]
Model = dict[str, dict[str, Any]]
"""What should be there: name to category, views (word to negative) and whether it is forgotten."""


def choose(rng: random.Random, model: Model, serial: str) -> Edit:
    """An edit that this memory allows."""
    living = [name for name, concept in model.items() if not concept["forgotten"]]
    forgotten = [name for name, concept in model.items() if concept["forgotten"]]
    kind = rng.choice(["remember", "update", "add", "reject", "remove", "forget", "undo", "purge"])
    if kind == "undo" and forgotten:
        return ["undo", rng.choice(forgotten)]
    if kind == "purge":
        return ["purge"]
    if kind in ("remember", "undo") or len(living) < 3:
        return ["remember", f"c{serial}", [f"{serial} {n}" for n in range(rng.randrange(1, 5))]]
    name = rng.choice(living)
    positive = [word for word, negative in model[name]["views"].items() if not negative]
    if kind == "remove" and len(positive) > 1:
        return ["remove", name, positive[0]]
    return [{"remove": "add"}.get(kind, kind), name, serial]


def apply(model: Model, edit: Edit) -> Model:
    """The memory after an edit."""
    kind, *rest = edit
    after: Model = json.loads(json.dumps(model))
    if kind == "purge":
        return {name: concept for name, concept in after.items() if not concept["forgotten"]}
    name = rest[0]
    if kind == "remember":
        after[name] = {
            "category": "new",
            "views": dict.fromkeys(rest[1], False),
            "forgotten": False,
        }
    elif kind == "update":
        after[name]["category"] = f"category {rest[1]}"
    elif kind in ("add", "reject"):
        after[name]["views"][f"view {rest[1]}"] = kind == "reject"
    elif kind == "remove":
        del after[name]["views"][rest[1]]
    else:
        after[name]["forgotten"] = kind == "forget"
    return after


def perform(store: ConceptStore, edit: Edit) -> None:
    """The edit itself."""
    kind, *rest = edit
    if kind == "purge":
        store.purge_expired()
        return
    if kind == "remember":
        store.remember(rest[0], "new", "", [view(word) for word in rest[1]])
        return
    concepts = store.list(1000, forgotten_too=True).concepts
    concept = next(c for c in concepts if c.name == rest[0])
    if kind == "update":
        store.update(concept.id, category=f"category {rest[1]}")
    elif kind == "add":
        store.add_views(concept.id, [view(f"view {rest[1]}")])
    elif kind == "reject":
        store.reject(concept.id, view(f"view {rest[1]}"))
    elif kind == "remove":
        blob = content_hash(image(rest[1]))
        store.remove_views(concept.id, [v.id for v in concept.views if v.blob == blob])
    elif kind == "forget":
        store.forget(concept.id)
    else:
        store.undo_forget(concept.id)


class PurgeClock:
    """The true time, except in a purge: there every undo window has passed."""

    purging = False

    def __call__(self) -> datetime:
        late = timedelta(seconds=UNDO_WINDOW_S + 1) if self.purging else timedelta()
        return datetime.now(UTC) + late


def main(folder: str, seed: str, known: str) -> None:
    edge._FLUSH_EVERY = 4  # so that kills meet flushes too
    rng, model, clock = random.Random(seed), json.loads(known), PurgeClock()
    with ConceptStore.open(Path(folder), user="me", model="m", dim=DIM) as store:
        store._now = clock
        serial = 0
        while True:
            edit = choose(rng, model, f"{seed}.{serial}")
            say(["try", edit])
            clock.purging = edit == ["purge"]
            perform(store, edit)
            say(["done"])
            model = apply(model, edit)
            serial += 1


def say(line: list[Any]) -> None:
    os.write(1, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
