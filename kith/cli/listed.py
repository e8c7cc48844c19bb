"""Options that hold several values, with commas between."""

from collections.abc import Sequence
from typing import Any, Final

from kith.errors import InvalidInput

_NOTHING: Final = "nothing"


def listed(words: str) -> list[str]:
    """The words of a list."""
    return [word.strip() for word in words.split(",") if word.strip()]


def each_of(
    kinds: Any,  # noqa: ANN401 - see kith.local
    words: Sequence[str],
    field: str,
    otherwise: str = "",
) -> list[Any]:
    """The members of an enumeration that words name; an error tells what may stand `otherwise`.

    Raises:
        InvalidInput: One names none.
    """
    known = {str(kind): kind for kind in kinds if str(kind)}
    if unknown := [word for word in words if word not in known]:
        raise InvalidInput(
            f"{field}: {unknown[0]!r} is none; give some of {', '.join(known)}{otherwise}",
            reason=f"{field.upper()}_INVALID",
            field=field,
        )
    return [known[word] for word in words]


def controls_of(kinds: Any, words: Sequence[str]) -> tuple[Any, ...]:  # noqa: ANN401 - as above
    """The controls that words name; "nothing" alone stands for none of them."""
    if words == [_NOTHING]:
        return (kinds.NOTHING,)
    return tuple(each_of(kinds, words, "controls", f", or {_NOTHING} by itself"))


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
        InvalidInput: It is written otherwise, or there is no such share.
    """
    index, slash, of = shard.partition("/")
    if not slash or not index.isdecimal() or not of.isdecimal() or int(index) >= int(of):
        raise InvalidInput(
            f"shard: {shard!r} is none; give I/N with I from 0 to N-1, as in 0/16",
            reason="SHARD_INVALID",
            field="shard",
        )
    return int(index), int(of)
