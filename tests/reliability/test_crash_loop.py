"""Killed at random moments under concurrent edits and questions: nothing that was said is lost."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from kith import Client
from kith.errors import KithError, Overloaded, Unavailable
from kith.messages import Concept
from memory_db import UNDO_WINDOW_S
from tests.assistant.world import CATEGORIES, open_store
from tests.reliability.painted import LOOKS, Painted, painted, photo_of
from tests.reliability.table import Effort, Table

KILLS = {"short": 4, "long": 300}
KINDS = ("remember", "rename", "describe", "reject", "forget")
REJECTED = 4
"""Degrees by which what is rejected looks different from the thing."""


@dataclass(frozen=True)
class Thing:
    """What is remembered of a place, as the one who edits it was told."""

    name: str
    description: str
    rejected: int = 0
    """Views that are not it."""


@dataclass
class Place:
    """A category and its looks: nothing, or one thing; edited by one writer."""

    category: str
    looks: int
    there: Thing | None = None
    wanted: Thing | None = None
    """What an edit under way makes of it; differs from `there` only meanwhile."""
    edits: int = 0

    def allows(self, concept: Concept | None) -> bool:
        """Whether what is served is what was acknowledged, or what an edit under way makes."""
        return seen(concept) in (self.there, self.wanted)

    def named(self, looks: int) -> set[frozenset[str]]:
        """The names that a photo of these looks may be given."""
        return {
            frozenset({thing.name} if thing and (looks == self.looks or not thing.rejected) else ())
            for thing in (self.there, self.wanted)
        }


def seen(concept: Concept | None) -> Thing | None:
    """A concept as the server tells of it."""
    if concept is None:
        return None
    rejected = sum(view.negative for view in concept.views)
    return Thing(concept.display_name, concept.description, rejected)


@dataclass
class World:
    """All places, and what went wrong."""

    places: list[Place] = field(
        default_factory=lambda: [Place(word, looks) for word in CATEGORIES for looks in LOOKS]
    )
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def acknowledged(self) -> int:
        """Edits, of every kind."""
        with self.lock:
            return sum(self.counts[f"acknowledged: {kind}"] for kind in KINDS)

    def wait_for(self, more: int) -> None:
        """Until that many more edits are acknowledged, however slow the machine is."""
        enough = self.acknowledged + more
        until = time.monotonic() + 60
        while self.acknowledged < enough:
            assert time.monotonic() < until, f"no edits are acknowledged: {self.wrong}"
            time.sleep(0.01)

    def count(self, what: str, wrong: str = "") -> None:
        with self.lock:
            self.counts[what] += 1
            if wrong:
                self.wrong.append(f"{what}: {wrong}")


def edit(kith: Client, world: World, place: Place, rng: random.Random) -> None:
    """One edit of a place, and a look whether it is heeded."""
    old, name = place.there, f"{place.category}-{place.looks}-{place.edits}"
    place.edits += 1
    kind = rng.choice(KINDS[1:]) if old else KINDS[0]
    new = {
        "remember": Thing(name, "new"),
        "rename": old and replace(old, name=name),
        "describe": old and replace(old, description=name),
        "reject": old and replace(old, rejected=old.rejected + 1),
        "forget": None,
    }[kind]
    place.wanted = new
    if old is None:
        photo = photo_of(place.category, place.looks)
        kith.remember(name, photo, category=place.category, description="new")
    elif kind == "reject":
        kith.reject(old.name, photo_of(place.category, place.looks + REJECTED))
    elif kind == "forget":
        kith.forget(old.name)
    else:
        kith.edit(old.name, **{"name" if kind == "rename" else "description": name})
    place.there = new
    world.count(f"acknowledged: {kind}")


def look(kith: Client, world: World, place: Place, rng: random.Random) -> None:
    """A photo of a place, and whether the answer is what was acknowledged."""
    looks = place.looks + rng.choice([0, REJECTED])
    began, before = place.edits, place.named(looks)
    names = frozenset(
        used.concept for used in kith.retrieve(photo_of(place.category, looks)).accepted
    )
    allowed = before | place.named(looks)
    if place.edits - began > 1:
        return  # too much has happened meanwhile to say what was right
    world.count("reads")
    if names not in allowed:
        world.count("stale reads", f"{set(names)} of {place}, at {looks}")


@contextmanager
def load(server: Painted, world: World, seed: int) -> Iterator[None]:
    """Four writers, each with places of its own, and a reader of all; until they are cut off."""

    def go_on(number: int) -> None:
        rng = random.Random(seed * 100 + number)
        category = CATEGORIES[number] if number < len(CATEGORIES) else ""
        own = [place for place in world.places if place.category == category]
        try:
            with server.client() as kith:
                while True:
                    if own:
                        place = rng.choice(own)
                        edit(kith, world, place, rng)
                        look(kith, world, place, rng)
                    else:
                        look(kith, world, rng.choice(world.places), rng)
                        time.sleep(0.02)  # the writers need the machine, too
        except (Unavailable, Overloaded):
            return
        except KithError as error:
            world.count("other errors", repr(error))

    threads = [threading.Thread(target=go_on, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    yield
    for thread in threads:
        thread.join()


def check(server: Painted, world: World) -> None:
    """What a fresh start serves: all that was acknowledged, and nothing else."""
    with server.client() as kith:
        served = {concept.display_name: concept for concept in kith.list_concepts()}
        for place in world.places:
            names = [thing.name for thing in (place.wanted, place.there) if thing]
            concept = next((served.pop(name) for name in names if name in served), None)
            if place.there != place.wanted:
                world.count("edits under way at a kill")
                if seen(concept) == place.wanted:
                    world.count("kept though not acknowledged")
            if not place.allows(concept):
                world.count("acknowledged edits lost", f"{seen(concept)} of {place}")
            place.there = place.wanted = seen(concept)
            for view in concept.views if concept else ():
                if not kith.get_view(view.name).photo:
                    world.count("acknowledged edits lost", f"the photo of {view.name}")
            look(kith, world, place, random.Random(0))
        for name in served:
            world.count("phantoms", name)


def repair(server: Painted, world: World) -> None:
    """What a crash left behind is collected, and is nothing that was ever acknowledged."""
    with open_store(server.memory) as store:
        store._now = lambda: datetime.now(UTC) + timedelta(seconds=UNDO_WINDOW_S)
        store.purge_expired()
        first, again = store.repair(), store.repair()
        world.counts["photos collected"] += first.photos_collected
        if dropped := first.views_dropped + first.concepts_dropped:
            world.count("acknowledged edits lost", f"{dropped} dropped by repair")
        for _ in range(sum(again)):
            world.count("orphans after repair", str(again))
        for photo in server.astray(store):
            world.count("orphans after repair", f"{photo} is a file or listed, not both")


def test_no_kill_loses_or_invents_anything(tmp_path: Path, effort: Effort) -> None:
    oracle = "what each writer was told, kept in a list; it alone edits its things"
    rng, world, kills = random.Random(7), World(), KILLS[effort]
    with Table("Crash loop", oracle, effort) as table, painted(tmp_path) as server:
        for kill in range(kills):
            check(server, world)
            with load(server, world, kill):
                world.wait_for(rng.randrange(1, 12))
                time.sleep(rng.uniform(0, 0.1))
                server.kill()
            repair(server, world)
            server.start()
        check(server, world)
        counts = world.counts
        table.traffic("kills", kills, at_least=kills)
        table.traffic(
            "edits under way at a kill", counts["edits under way at a kill"], at_least=kills // 2
        )
        table.traffic("edits acknowledged", world.acknowledged, at_least=3 * kills)
        table.traffic("reads checked", counts["reads"], at_least=10 * kills)
        for kind in KINDS:
            table.tell(f"acknowledged: {kind}", counts[f"acknowledged: {kind}"])
        table.tell("kept though not acknowledged", counts["kept though not acknowledged"])
        table.tell("photos of edits cut short, collected by repair", counts["photos collected"])
        for what in ("acknowledged edits lost", "phantoms", "orphans after repair", "stale reads"):
            table.exactly(what, counts[what], 0)
        table.exactly("errors that do not say try again", counts["other errors"], 0)
        assert world.wrong == []
