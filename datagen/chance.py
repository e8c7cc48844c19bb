"""Chance that hangs on names alone: the same on every machine, whatever was drawn before."""

import hashlib
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def seed_of(*names: object) -> int:
    """A number from 0 to 2**39 - 1 that belongs to these names.

    It is small enough for every reader of JSON, and for Playroom, whose strangers begin at 2**40.
    """
    told = "\0".join(map(str, names)).encode()
    return int.from_bytes(hashlib.sha256(told).digest()[:5], "big") >> 1


def shuffled(things: Sequence[T], *names: object) -> list[T]:
    """The things in an order that belongs to these names."""
    order = sorted(range(len(things)), key=lambda place: seed_of(*names, place))
    return [things[place] for place in order]
