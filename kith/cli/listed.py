"""Options that hold several values, with commas between."""

from collections.abc import Sequence
from typing import Any

from kith.errors import InvalidInput


def listed(words: str) -> list[str]:
    """The words of a list."""
    return [word.strip() for word in words.split(",") if word.strip()]


def each_of(kinds: Any, words: Sequence[str], field: str) -> list[Any]:  # noqa: ANN401 - see kith.local
    """The members of an enumeration that words name.

    Raises:
        InvalidInput: One names none.
    """
    known = {str(kind): kind for kind in kinds if str(kind)}
    if unknown := [word for word in words if word not in known]:
        raise InvalidInput(
            f"{field}: {unknown[0]!r} is none; give some of {', '.join(known)}",
            reason=f"{field.upper()}_INVALID",
            field=field,
        )
    return [known[word] for word in words]


def controls_of(kinds: Any, words: Sequence[str]) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """The controls that words name; "nothing" alone stands for none of them."""
    return (kinds.NOTHING,) if words == ["nothing"] else tuple(each_of(kinds, words, "controls"))


def numbers(words: str) -> list[int]:
    """The numbers of a list.

    Raises:
        InvalidInput: It holds something else.
    """
    found = listed(words)
    if any(not word.isdecimal() for word in found):
        raise InvalidInput(
            f"memory_sizes: {words!r} is no list of numbers; give it as in 10,100,1000",
            reason="MEMORY_SIZES_INVALID",
            field="memory_sizes",
        )
    return [int(word) for word in found]


def share(shard: str) -> tuple[int, int]:
    """I and N of a share, as in 0/16.

    Raises:
        InvalidInput: It is written otherwise.
    """
    index, slash, of = shard.partition("/")
    if not slash or not index.isdecimal() or not of.isdecimal():
        raise InvalidInput(
            f"shard: {shard!r} is not I/N; give it as in 0/16",
            reason="SHARD_INVALID",
            field="shard",
        )
    return int(index), int(of)
