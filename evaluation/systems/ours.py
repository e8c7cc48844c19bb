"""What an evaluation has remembered for a user whose memory it may not simply empty."""

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from evaluation.files import read_json
from kith import messages
from kith.errors import Refused
from kith.files import write_whole

_NEXT_STEP: Final = (
    "forget what the token's user remembers, if all of it is an evaluation's, and delete it"
)


class Ours:
    """The concepts of one user that are ours to forget, kept in a file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        told = read_json(path, _NEXT_STEP) if path.exists() else {}
        self._names: set[str] = set(told.get("names", ()))
        self._memories: dict[str, str] = told.get("memories", {})

    def claim(self, there: Collection[messages.Concept], names: Collection[str]) -> None:
        """Say what will be remembered, before it is: a crash leaves nothing that nobody owns.

        Args:
            there: What is remembered now.
            names: Of what will be.

        Raises:
            Refused: Somebody else has remembered something there.
        """
        ours = self.among(there)
        if theirs := [one for one in there if one not in ours]:
            raise Refused(
                f"token: its user remembers {theirs[0].display_name!r}, which an evaluation would "
                "forget; name a token whose user has an empty memory",
                reason="MEMORY_NOT_EMPTY",
                field="token",
            )
        self._names.update(names)
        self._write()

    def note(self, concept: messages.Concept, fingerprint: str) -> None:
        """Say that a concept is remembered, as part of the memory with that fingerprint."""
        self._memories[concept.name] = fingerprint
        self._write()

    def among(self, there: Iterable[messages.Concept]) -> list[messages.Concept]:
        """Those that are ours."""
        return [
            one for one in there if one.name in self._memories or one.display_name in self._names
        ]

    def renounce(self) -> None:
        """Say that none is ours any more: what has one of their names from now on is not."""
        self._names, self._memories = set(), {}
        self._write()

    def has(self, concept: messages.Concept, fingerprint: str) -> bool:
        """Whether a concept is part of that memory."""
        return self._memories.get(concept.name) == fingerprint

    def _write(self) -> None:
        told = {"names": sorted(self._names), "memories": self._memories}
        write_whole(self._path, json.dumps(told).encode())
