"""What an evaluation needs of a system, and the memory that it is measured with."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from evaluation.contents import digest
from evaluation.manifest import Concept
from kith.messages import Answer, Capabilities, Recognition, Retrieval


@dataclass(frozen=True)
class Memory:
    """The concepts that a system is to know while it is asked, and nobody else's."""

    concepts: tuple[Concept, ...]
    purpose: str = ""
    """What tells it from one with the same concepts: what edits one may not spoil the other."""

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of all that is remembered, photos included, in hexadecimal."""
        told = [self.purpose, *map(_told, self.concepts)]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


class Session(Protocol):
    """A system with a memory in it. It may be asked from several threads.

    All raise `KithError`s; `Refused` for what the system can't do.
    """

    def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
        """The language model's answer.

        Args:
            question: With concepts in angle brackets.
            photo: An encoded picture; None for a question without one.
            concepts: Names of the only ones to draw on; None for those that the system finds.
        """

    def retrieve(self, photo: bytes) -> Retrieval:
        """What is found in a photo, without a language model."""

    def recognize(self, photo: bytes, names: Sequence[str]) -> list[Recognition]:
        """Whether a photo shows each of the concepts, in their order, without a language model."""

    def remember(self, concept: Concept) -> int:
        """Remember one more, and train it if that is how the system learns.

        Returns:
            Bytes of the pictures that were sent.
        """

    def rename(self, name: str, new: str) -> None:
        """Call a concept something else."""

    def describe(self, name: str, description: str) -> None:
        """Replace what is said of a concept."""

    def forget(self, name: str) -> None:
        """Forget a concept."""


Remembering = Callable[[int, int], None]
"""Told how many concepts are remembered, and of how many."""


class System(Protocol):
    """Something that is measured."""

    @property
    def name(self) -> str:
        """Of the method, as tables and folders are to call it."""

    @property
    def capabilities(self) -> Capabilities:
        """What it needs and can do."""

    @property
    def told(self) -> bool:
        """Whether it is told the true concepts of each question, since it can't find them itself.

        Thesis, 4.2.2: "all compared methods, except RAP, require access to the ground-truth target
        concepts at test time".
        """

    def session(self, memory: Memory, remembering: Remembering) -> AbstractContextManager[Session]:
        """The system with that memory: what it holds already is not remembered again.

        Raises:
            Refused: The memory can't be had, as when it holds what others remember.
        """


Opening = Callable[[], AbstractContextManager[System]]
"""Starts or reaches a system, for as long as the block."""


def _told(concept: Concept) -> str:
    views = " ".join(map(digest, concept.views))
    return f"{concept.name}\t{concept.category}\t{concept.description}\t{views}"
