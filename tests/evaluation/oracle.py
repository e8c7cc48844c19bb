"""A system that knows what photos show, and errs as often as it is told to."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random

from evaluation.datasets import read
from evaluation.manifest import Concept, Dataset, Photo
from evaluation.systems.system import Memory, Remembering
from kith.messages import (
    Answer,
    Box,
    Capabilities,
    Match,
    Model,
    Recognition,
    Region,
    Retrieval,
    Usage,
    UsedConcept,
)

SIDE = 100
"""Width and height of a photo in pixels, as it is told."""


class Truth:
    """What photos show, found by what is in their files."""

    def __init__(self, datasets: Iterable[Dataset]) -> None:
        self._photos: dict[bytes, Photo] = {}
        for dataset in datasets:
            for photo in (*dataset.photos, *dataset.outside, *dataset.outside_multi):
                self._photos[_digest(photo.path.read_bytes())] = photo

    @classmethod
    def of(cls, *folders: Path, outside: Path, outside_multi: Path) -> "Truth":
        """Of datasets as a run reads them."""
        return cls(
            read(folder, outside=outside, outside_multi=outside_multi) for folder in folders
        )

    def photo(self, content: bytes | None) -> Photo | None:
        """The photo of an encoded picture; None for a blank one."""
        return self._photos.get(_digest(content)) if content else None


class Oracle:
    """See `System`.

    Args:
        name: Of the method.
        truth: What it knows.
        errs: How often it is wrong, 0 to 1.
        training: Whether it trains and is told the true concepts.
    """

    def __init__(
        self, name: str, truth: Truth, errs: float = 0.0, *, training: bool = False
    ) -> None:
        self.name = name
        self.told = training
        self.capabilities = Capabilities(
            name,
            positives_min=1,
            positives_max=3,
            negatives=0,
            captions=False,
            description=True,
            masks=False,
            training=training,
            real_time_edit=not training,
            text_only_qa=True,
            retrieval=not training,
            max_concepts_at_once=0,
            models=(Model("generation", "<b>oracle</b> | $x$", "ab" * 32),),
            version="0.1.0",
        )
        self._truth = truth
        self._errs = errs
        self.asked = 0

    @contextmanager
    def opened(self) -> Iterator["Oracle"]:
        """As a run is given it."""
        yield self

    @contextmanager
    def session(self, memory: Memory, remembering: Remembering) -> Iterator["_Session"]:
        remembering(len(memory.concepts), len(memory.concepts))
        yield _Session(self, memory)

    def wrong(self, *words: object) -> bool:
        """Whether it errs about this; always the same of the same."""
        return Random(f"{self.name} {words}").random() < self._errs

    def photo(self, content: bytes | None) -> Photo | None:
        self.asked += 1
        return self._truth.photo(content)


class _Session:
    def __init__(self, oracle: Oracle, memory: Memory) -> None:
        self._oracle = oracle
        self._memory = memory
        self._names = {concept.name: concept.name for concept in memory.concepts}

    def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
        shown = self._oracle.photo(photo)
        there = [name for name in self._present(shown) if concepts is None or name in concepts]
        named = re.findall("<([^<>]+)>", question)
        if "Yes or No" in question:
            is_there = bool(named) and set(named) <= set(there)
            text = "Yes" if is_there is not self._oracle.wrong(question, shown) else "No"
            text = "Perhaps" if self._oracle.wrong("reads", question, shown) else text
        elif "Options:" in question:
            text = "B" if self._oracle.wrong(question, shown) else "A"
        else:
            kept = [name for name in there if not self._oracle.wrong("caption", name, shown)]
            text = f"A photo of {' and '.join(f'<{name}>' for name in kept) or 'something'}."
        used = tuple(UsedConcept(name, name, "", 0, None, 1.0) for name in there)
        return Answer(text, used, usage=Usage(600 + len(question), len(text) // 4))

    def retrieve(self, photo: bytes) -> Retrieval:
        shown = self._oracle.photo(photo)
        regions, accepted = [], []
        for name in self._present(shown):
            if self._oracle.wrong("detector", name, shown):
                continue
            box = self._box(shown, name)
            nearest = [name, *(one for one in self._names.values() if one != name)][:2]
            if self._oracle.wrong("retriever", name, shown):
                nearest.reverse()
            is_kept = not self._oracle.wrong("decision", name, shown)
            matches = [
                Match(one, 0.3 + 0.1 * at, is_kept and not at) for at, one in enumerate(nearest)
            ]
            regions.append(Region(box, "thing", 0.9, tuple(matches)))
            if is_kept:
                accepted.append(UsedConcept(nearest[0], nearest[0], "", 0, box, 0.8))
        return Retrieval(SIDE, SIDE, tuple(regions), tuple(accepted))

    def recognize(self, photo: bytes, names: Sequence[str]) -> list[Recognition]:
        shown = self._oracle.photo(photo)
        there = self._present(shown)
        found = []
        for name in names:
            score = Random(f"{self._oracle.name} {name} {shown}").random() * 0.7
            score += 0.3 if name in there else 0.0
            found.append(Recognition(name, score > 0.5, score, None))
        return found

    def remember(self, concept: Concept) -> int:
        self._names[concept.name] = concept.name
        return 1000

    def rename(self, name: str, new: str) -> None:
        self._names[next(key for key, now in self._names.items() if now == name)] = new

    def describe(self, name: str, description: str) -> None:
        """Nobody asks this one what it was told."""

    def forget(self, name: str) -> None:
        del self._names[name]

    def _present(self, photo: Photo | None) -> list[str]:
        if photo is None:
            return []
        there = [self._names[name] for name in photo.concepts if name in self._names]
        if not photo.concepts and self._oracle.wrong("stranger", photo):
            return [next(iter(self._names.values()))]
        return there

    def _box(self, photo: Photo | None, name: str) -> Box:
        box = photo.boxes.get(name) if photo else None
        return Box(*(edge * SIDE for edge in box or (0.2, 0.2, 0.8, 0.8)))


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()
