"""What an evaluation has remembered for a user whose memory it may not simply empty."""

import json
from collections.abc import Collection
from pathlib import Path

from evaluation.files import write_whole
from kith import messages
from kith.errors import Refused


class Ours:
    """The concepts of one user that are ours to forget, kept in a file.

    Args:
        path: Of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        told = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
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
        for one in there:
            if one.name not in self._memories and one.display_name not in self._names:
                raise Refused(
                    f"token: its user remembers {one.display_name!r}, which an evaluation would "
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

    def has(self, concept: messages.Concept, fingerprint: str) -> bool:
        """Whether a concept is part of that memory."""
        return self._memories.get(concept.name) == fingerprint

    def _write(self) -> None:
        told = {"names": sorted(self._names), "memories": self._memories}
        write_whole(self._path, json.dumps(told).encode())
