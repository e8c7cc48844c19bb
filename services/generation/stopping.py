"""Where an answer ends, told while it is still being written."""

from collections.abc import Sequence
from typing import NamedTuple


class Settled(NamedTuple):
    """The part of an unfinished answer that no further text can change."""

    length: int
    """Characters that may be shown."""
    stopped: bool
    """True when a stop text came: the answer is complete."""


def settled(text: str, stops: Sequence[str], *, complete: bool = False) -> Settled:
    """How much of `text` precedes every stop text, even one whose end is still to come.

    Args:
        text: The answer so far.
        stops: Texts before the first of which it ends; none of them empty.
        complete: True when no more text comes.
    """
    end = min((at for at in map(text.find, stops) if at >= 0), default=len(text))
    held = 0 if complete else max((_overlap(text, stop) for stop in stops), default=0)
    may_begin = len(text) - held
    # A longer stop text may have begun before one that is already there.
    return Settled(min(end, may_begin), stopped=end < len(text) and end <= may_begin)


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` could begin."""
    lengths = range(min(len(text), len(stop) - 1), 0, -1)
    return next((n for n in lengths if text.endswith(stop[:n])), 0)
