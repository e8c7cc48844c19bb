"""`KithError` to the error of a tool, which names the argument, the value and the next step."""

import re
from collections.abc import Awaitable
from typing import Final, TypeVar

from mcp.types import CallToolResult, TextContent

from kith.errors import KithError, Overloaded

T = TypeVar("T")

META_KEY: Final = "kith.dev/error"
"""Under it, a failed result's `_meta` has status, reason and field, for programs."""

# What the contract calls it, and the tools. The first that fits counts.
_ARGUMENTS: Final = (
    (re.compile(r"^views\[(\d+)\](\.photo)?"), r"images[\1]"),
    (re.compile(r"^(images\[0\]|turns\[0\]\.parts\[\d+\]\.image)"), "image"),
    (re.compile(r"^turns\[0\]\.parts\[\d+\]\.text"), "question"),
    (re.compile(r"^(concept\.)?display_name"), "name"),
    (re.compile(r"^concept\.(category|description)"), r"\1"),
    (re.compile(r"^photo\b"), "not_in"),
    (re.compile(r"^name\b"), "concept"),
)


async def told(answer: Awaitable[T]) -> T:
    """What the assistant answers; its errors speak of the tools' arguments.

    Raises:
        KithError: As the assistant.
    """
    try:
        return await answer
    except KithError as error:
        if error.field:
            # A message may begin with less of the path than the field has.
            if str(error).startswith(error.field.partition(".")[0]):
                error.args = (_in_arguments(str(error)),)
            error.field = _in_arguments(error.field)
        raise


def failed(error: KithError) -> CallToolResult:
    """The result of a tool that failed."""
    text = str(error)
    if isinstance(error, Overloaded):
        text += f" (again in {error.retry_after_s:g} s)"
    facts = {"status": error.status, "reason": error.reason, "field": error.field}
    return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta={META_KEY: facts})


def _in_arguments(text: str) -> str:
    """`text` with the argument's name for the contract's at its beginning."""
    for pattern, argument in _ARGUMENTS:
        named, times = pattern.subn(argument, text, count=1)
        if times:
            return named
    return text
