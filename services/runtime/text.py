"""User text as data: what a name, a description or a question is before anything reads it."""

import unicodedata
from typing import Final

_KEPT_CONTROLS: Final = frozenset("\n\t")
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})
"""Unicode categories of control, format (bidi, zero-width, tags), private and unassigned."""


def plain(text: str) -> str:
    """`text` in NFC, line ends as newlines, without control, bidi and zero-width characters.

    What looks the same compares the same afterwards, and nothing can be hidden from a reader.
    Joiners inside emoji are lost: the parts of the emoji then stand side by side.
    """
    lines = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(
        char
        for char in lines
        if char in _KEPT_CONTROLS or unicodedata.category(char) not in _INVISIBLE
    )
