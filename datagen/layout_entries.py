"""The entries of a layout's file: each is of the kind that it has to be, or is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kith.errors import InvalidInput


class Entries:
    """Takes what YAML told for what it has to be.

    Raises `InvalidInput` where it is not; the message names the file, the entry and the value.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def mapping(self, entry: str, told: object, keys: str = "") -> dict[str, Any]:
        """Lines of a name and a value; the names are among `keys`, where there are some."""
        known = keys.split()
        if not isinstance(told, dict) or not all(isinstance(key, str) for key in told):
            wanted = f"lines of {', '.join(known)}" if known else "lines such as 'name: value'"
            raise self.unlike(entry, told, wanted)
        for key in told:
            if known and key not in known:
                raise self.wrong(entry, f"{key!r} is unknown; it has {', '.join(known)}")
        return told

    def items(
        self,
        entry: str,
        told: Mapping[str, Any],
        key: str = "",
        missing: list[Any] | None = None,
    ) -> list[Any]:
        """The list under a key, which is called as the entry if not said otherwise.

        It may be empty, or missing, only where `missing` says what stands for it then.
        """
        found = told.get(key or entry, missing)
        if not isinstance(found, list) or (not found and missing is None):
            raise self.unlike(entry, found, "a list with something in it")
        return found

    def text(self, entry: str, told: object) -> str:
        """A text that is not empty."""
        if not isinstance(told, str) or not told.strip():
            raise self.unlike(entry, told, "a text")
        return told

    def count(self, entry: str, told: object) -> int:
        """A whole number from 1 on."""
        if not isinstance(told, int) or isinstance(told, bool) or told < 1:
            raise self.unlike(entry, told, "a whole number from 1 on")
        return told

    def unlike(self, entry: str, told: object, wanted: str) -> InvalidInput:
        """What is said of an entry of another kind."""
        if told is None:
            return self.wrong(entry, f"is missing or empty; give {wanted}")
        return self.wrong(entry, f"{told!r} is not {wanted}; correct it")

    def wrong(self, entry: str, what: str) -> InvalidInput:
        """What is said of an entry that does not fit."""
        return invalid(self._path, entry, what)


def invalid(path: Path, entry: str, what: str) -> InvalidInput:
    """What is said of a file that is no layout."""
    return InvalidInput(
        f"layout: {path.name}: {entry}: {what}", reason="LAYOUT_INVALID", field="layout"
    )
