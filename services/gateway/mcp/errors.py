"""`KithError` to the error of a tool, which names the argument, the value and the next step."""

import re
from typing import Final

from mcp.types import CallToolResult, TextContent

from kith.errors import KithError, Overloaded

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


def failed(error: KithError) -> CallToolResult:
    """The result of a tool that failed."""
    field, text = error.field, str(error)
    if field:
        called = _argument(field)
        if text.startswith(field):
            text = called + text.removeprefix(field)
        field = called
    if isinstance(error, Overloaded):
        text += f" (again in {error.retry_after_s:g} s)"
    facts = {"status": error.status, "reason": error.reason, "field": field}
    return CallToolResult(content=[TextContent(text=text)], is_error=True, _meta={META_KEY: facts})


def _argument(field: str) -> str:
    for pattern, argument in _ARGUMENTS:
        called, times = pattern.subn(argument, field, count=1)
        if times:
            return called
    return field
