"""Lists in pages: a token is the last key of a page, so that an edit meanwhile loses nothing."""

import bisect
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

from kith.errors import InvalidInput, NotFound

_DEFAULT_SIZE: Final = 100
LARGEST: Final = 1000
_TOKEN: Final = re.compile(r"[a-z0-9-]{0,64}")

T = TypeVar("T")


class Page(NamedTuple):
    """Some keys of a list."""

    keys: Sequence[str]
    next_page_token: str
    """Empty on the last page."""


def page(keys: Sequence[str], size: int, token: str, most: int = LARGEST) -> Page:
    """The keys that come after a page.

    Args:
        keys: All of them, sorted; of small letters, digits and hyphens, 64 at most.
        size: How many at most; 0 stands for 100.
        token: Of the page before; empty for the first page.
        most: Whatever the size.

    Raises:
        InvalidInput: The size is below 0, or the token none of ours.
    """
    for field, given, right in (
        ("page_size", size, size >= 0),
        ("page_token", token, _TOKEN.fullmatch(token)),
    ):
        if not right:
            raise InvalidInput(
                f"{field}: {given!r} was not to be expected; leave it out for the first page",
                reason=f"{field.upper()}_INVALID",
                field=field,
            )
    begin = bisect.bisect_right(keys, token) if token else 0
    end = begin + min(size or _DEFAULT_SIZE, most)
    return Page(keys[begin:end], keys[end - 1] if end < len(keys) else "")


def still_there(read: Callable[[str], T], keys: Iterable[str]) -> Iterator[T]:
    """What `read` makes of each key, but for what is deleted meanwhile: it raises `NotFound`."""
    for key in keys:
        with suppress(NotFound):
            yield read(key)
