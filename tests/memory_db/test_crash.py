"""Killed with SIGKILL at any moment: all that was acknowledged is there, and all there is whole."""

import json
import os
import random
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

from memory_db import ConceptStore
from memory_db.photos import content_hash
from tests.memory_db.crash_child import Edit, Model, apply
from tests.memory_db.making import DIM, image, vector

KILLS = 54


def run_and_kill(
    folder: Path, seed: int, model: Model, after_s: float
) -> tuple[list[Edit], Edit | None]:
    """The edits that a child acknowledged, and the one it was at when it was killed."""
    command = [sys.executable, "-m", "tests.memory_db.crash_child"]
    child = subprocess.Popen(
        [*command, str(folder), str(seed), json.dumps(model)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    ready, _, _ = select.select([child.stdout], [], [], 30)
    assert ready, "the child never began"
    time.sleep(after_s)
    os.kill(child.pid, signal.SIGKILL)
    output, _ = child.communicate()
    assert child.returncode == -signal.SIGKILL, "the child ended by itself"
    done: list[Edit] = []
    trying: Edit | None = None
    for line in output.decode().splitlines():
        word, *rest = json.loads(line)
        if word == "try":
            trying = rest[0]
        elif trying is not None:
            done.append(trying)
            trying = None
    return done, trying


def read_back(store: ConceptStore) -> Model:
    """What the memory serves, every photo and every vector looked at."""
    model: Model = {}
    for concept in store.list(1000, forgotten_too=True).concepts:
        words = {content_hash(image(word)): word for word in WORDS}
        views = {words[view.blob]: view.negative for view in concept.views}
        model[concept.name] = {
            "category": concept.category,
            "views": views,
            "forgotten": concept.forgotten is not None,
        }
        for view in concept.views:
            (row,) = store.search(vector(words[view.blob])[None], 1)
            if concept.forgotten:
                assert all(neighbour.view_id != view.id for neighbour in row)
            else:
                assert (row[0].view_id, row[0].distance < 1e-3) == (view.id, True)
                assert store.photo(view.blob) == image(words[view.blob])
    return model


WORDS: set[str] = set()


def learn_words(edit: Edit) -> None:
    """Remember what pictures an edit brought, to know them again by their hash."""
    if edit[0] == "remember":
        WORDS.update(edit[2])
    elif edit[0] in ("add", "reject"):
        WORDS.add(f"view {edit[2]}")


def test_fifty_kills_lose_nothing_and_leave_nothing_half_written(tmp_path: Path) -> None:
    rng = random.Random(7)
    model: Model = {}
    acknowledged = kept_unacknowledged = in_flight = 0
    for kill in range(KILLS):
        done, trying = run_and_kill(tmp_path, kill, model, rng.uniform(0, 0.15))
        for edit in done:
            learn_words(edit)
            model = apply(model, edit)
        acknowledged += len(done)
        with ConceptStore.open(tmp_path, user="me", model="m", dim=DIM) as store:
            if trying is not None:
                in_flight += 1
                learn_words(trying)
            served = read_back(store)
            if trying is not None and served != model:
                model = apply(model, trying)
                kept_unacknowledged += 1
            assert served == model, f"kill {kill}, while at {trying}"
    assert acknowledged > KILLS, "too little was done for this to count"
    assert in_flight > KILLS // 4
    with ConceptStore.open(tmp_path, user="me", model="m", dim=DIM) as store:
        repaired = store.repair()
        assert (repaired.views_dropped, repaired.concepts_dropped) == (0, 0)
        assert read_back(store) == model
        assert sum(store.repair()) == 0
