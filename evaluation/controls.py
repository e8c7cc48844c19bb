"""What is withheld or spoilt on purpose, so that a figure can be held against it.

- no-memory: the plain model, asked with no concept to draw on;
- blank-photo: a grey picture as large as the photo, in its place;
- shuffled-references: each concept remembered by what shows another one, see `derangement`;
- true-references: the concepts that are there are given, and nothing is retrieved; for recognition
  and questions the asked-for ones, in recognition also where they are not in the photo.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

from evaluation.derangement import deranged
from evaluation.manifest import Concept, Photo
from evaluation.samples import Control, Task
from evaluation.systems import pictures
from evaluation.systems.system import Memory, Session
from kith.errors import InvalidInput
from kith.messages import Answer, Recognition, Retrieval
from kith.photos import photo_bytes

T = TypeVar("T")

_IN_WORDS: Final = frozenset({Task.RECOGNITION, Task.CAPTIONING, Task.QUESTIONS})
_BY_RETRIEVAL: Final = frozenset({Task.RETRIEVAL, Task.IDENTIFICATION})

CONTROLLED: Final[Mapping[Control, frozenset[Task]]] = {
    Control.NO_MEMORY: _IN_WORDS,
    Control.BLANK_PHOTO: _IN_WORDS | _BY_RETRIEVAL,
    Control.SHUFFLED_REFERENCES: _IN_WORDS | _BY_RETRIEVAL,
    Control.TRUE_REFERENCES: _IN_WORDS,
}
"""The tasks that each control tells something of."""


class Reply(NamedTuple, Generic[T]):
    """What a system gave, and what it took."""

    given: T
    seconds: float
    bytes_sent: int
    """Pictures and words."""


class Asker:
    """Asks a system under a control. May be shared by threads.

    Args:
        session: The system, with a memory in it.
        memory: That memory.
        control: What is withheld or spoilt.
        told: Whether the system is told the true concepts anyway.
    """

    def __init__(self, session: Session, memory: Memory, control: Control, *, told: bool) -> None:
        self.session = session
        self.concepts = {concept.name: concept for concept in memory.concepts}
        self._control = control
        self._told = told

    def ask(self, question: str, photo: Path | None, true: Sequence[str]) -> Reply[Answer]:
        """The language model's answer.

        Args:
            question: With concepts in angle brackets.
            photo: What it is about.
            true: The concepts that are there, or asked for: for those who are told.
        """
        shown = self._shown(photo) if photo else None
        concepts = self._given(true)
        size = len(question.encode()) + len(shown or b"")
        return _timed(lambda: self.session.ask(question, shown, concepts), size)

    def retrieve(self, photo: Path) -> Reply[Retrieval]:
        """What is found in a photo."""
        shown = self._shown(photo)
        return _timed(lambda: self.session.retrieve(shown), len(shown))

    def recognize(self, photo: Path, names: Sequence[str]) -> Reply[list[Recognition]]:
        """Whether a photo shows each of the concepts."""
        shown = self._shown(photo)
        return _timed(lambda: self.session.recognize(shown, names), len(shown))

    def _shown(self, photo: Path) -> bytes:
        content = photo_bytes(photo)
        return pictures.blank(content) if self._control is Control.BLANK_PHOTO else content

    def _given(self, true: Sequence[str]) -> Sequence[str] | None:
        if self._control is Control.NO_MEMORY:
            return ()
        return true if self._told or self._control is Control.TRUE_REFERENCES else None


def is_possible(control: Control, memory: Memory) -> bool:
    """Whether a memory is large enough for a control: to be shuffled takes two concepts."""
    return control is not Control.SHUFFLED_REFERENCES or len(memory.concepts) > 1


def memory_under(control: Control, memory: Memory, photos: Iterable[Photo], seed: int) -> Memory:
    """The memory that a system has under a control.

    Args:
        control: Which.
        memory: What it has without one.
        photos: All that are asked about.
        seed: Where chance begins.

    Raises:
        InvalidInput: References are to be shuffled, and there is only one concept.
    """
    if control is not Control.SHUFFLED_REFERENCES:
        return memory
    if not is_possible(control, memory):
        raise InvalidInput(
            "controls: shuffled-references needs two concepts; leave it out",
            reason="CONTROL_IMPOSSIBLE",
            field="controls",
        )
    others = deranged(memory.concepts, photos, seed)
    pairs = zip(memory.concepts, others, strict=True)
    return Memory(tuple(_in_place_of(one, other) for one, other in pairs), memory.purpose)


def _in_place_of(one: Concept, other: Concept) -> Concept:
    """A concept that is remembered by what shows, and says, another."""
    said = other.description.replace(f"<{other.name}>", f"<{one.name}>")
    return replace(one, category=other.category, views=other.views, description=said)


def _timed(call: Callable[[], T], bytes_sent: int) -> Reply[T]:
    began = time.monotonic()
    given = call()
    return Reply(given, time.monotonic() - began, bytes_sent)
