"""Answers that leave nobody out: a model that does not name all it should is asked on.

A model that is told of three and asked for a caption often names one twice and one not at all, and
a small one now and then misspells a name, or makes one up.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Sequence
from contextlib import aclosing
from dataclasses import replace
from difflib import get_close_matches
from typing import Final, NamedTuple, Protocol

from kith.errors import InvalidInput, Overloaded
from memory_db.names import MAX_NAME_CHARS
from services.assistant import prompts
from services.assistant.memory import is_spoken_of
from services.assistant.prompts import Reference
from services.runtime.types import Answer, Ending, FinishReason, Limits, Turn

QUESTION: Final = "What is <{}> doing?"

_NAME: Final = re.compile(r"<([^<>\n]+)>")
_UNFINISHED: Final = re.compile(rf"<[^<>\n]{{0,{MAX_NAME_CHARS}}}\Z")
_ALIKE: Final = 0.6
"""Share of letters that a misspelt name has in common with the right one."""

_DESCRIBE: Final = re.compile(r"\b(caption|describe|description)\b", re.IGNORECASE)


class Ask(Protocol):
    """Has a chat answered."""

    def __call__(self, turns: Sequence[Turn], *, limits: Limits) -> Awaitable[Answer]:
        """See `Method.ask`."""


class _Said(NamedTuple):
    """An answer that was read to its end."""

    text: str
    ending: Ending


async def completed(
    ask: Ask, turns: Sequence[Turn], expected: Sequence[str], limits: Limits
) -> AsyncGenerator[str | Ending, None]:
    """The answer to a chat, and a line about each concept that it leaves out.

    A name in brackets that nobody has is taken for that of whom it leaves out: of the only one, or
    of the one whose name is much like it.

    One that names nobody is about something else, and leaves nobody out, unless a caption or a
    description was asked for. Nothing is added to one that was cut off, nor where the caller says
    which words end it. If the further questions can't be asked, the answer stands as it is.

    Args:
        ask: Has it answered.
        turns: The chat.
        expected: Names of whom the answer should name.
        limits: Of all together.

    Raises (on reading the first piece):
        As `ask`.
    """
    said = ""
    chat = "\n".join([*map(prompts.text_of, turns), *expected])
    async with (
        aclosing(await ask(turns, limits=limits)) as answer,
        aclosing(_whole_names(answer)) as pieces,
    ):
        async for piece in pieces:
            text = _put_right(piece, chat, [one for one in expected if f"<{one}>" not in said])
            said += text
            yield text
    ending = answer.ending
    if ending is None:
        return
    missing = [name for name in expected if f"<{name}>" not in said]
    names_any = len(missing) < len(expected) or _DESCRIBE.search(prompts.text_of(turns[-1]))
    for name in missing if names_any and _is_whole(ending, limits) else ():
        room = replace(limits, max_tokens=limits.max_tokens - ending.completion_tokens)
        question = Turn("user", (QUESTION.format(name),))
        further = await _read(ask, [*turns, Turn("assistant", (said,)), question], room)
        if further is None:
            break
        yield _line(name, further.text)
        ending = _sum(ending, further.ending)
    yield ending


async def _whole_names(pieces: AsyncIterable[str]) -> AsyncGenerator[str, None]:
    """The same text in other pieces, of which none ends within a name in brackets."""
    held = ""
    async for piece in pieces:
        held += piece
        unfinished = _UNFINISHED.search(held)
        end = unfinished.start() if unfinished else len(held)
        if end:
            yield held[:end]
        held = held[end:]
    if held:
        yield held


def _put_right(text: str, chat: str, missing: list[str]) -> str:
    """A piece of an answer with names in place of those that nobody has.

    Args:
        text: The piece.
        chat: What was said before; who is spoken of there has a name.
        missing: Names of whom the answer should name and has not yet.
    """

    def right(found: re.Match[str]) -> str:
        name = found[1]
        if name not in missing:
            if is_spoken_of(name, chat):
                return found[0]
            meant = missing if len(missing) == 1 else get_close_matches(name, missing, 1, _ALIKE)
            if not meant:
                return found[0]
            name = meant[0]
        missing.remove(name)
        return f"<{name}>"

    return _NAME.sub(right, text)


def expected(turns: Sequence[Turn], references: Sequence[Reference]) -> list[str]:
    """Whom an answer about photos should name if it names anybody: all who were seen, or given.

    Of them only those whom the question names, when it names any concept.
    """
    if not any(prompts.photos_of(turn) for turn in turns):
        return []
    question = prompts.text_of(turns[-1])
    asked_for = [one for one in references if f"<{one.concept.name}>" in question] or references
    return [one.concept.name for one in asked_for if one.seen_in or one.there]


def _is_whole(ending: Ending, limits: Limits) -> bool:
    return ending.reason is FinishReason.STOP and not limits.stop


async def _read(ask: Ask, turns: Sequence[Turn], limits: Limits) -> _Said | None:
    """The answer to a further question; None if there is no room for one."""
    if limits.max_tokens <= 0:
        return None
    try:
        async with aclosing(await ask(turns, limits=limits)) as answer:
            text = "".join([piece async for piece in answer])
    except (InvalidInput, Overloaded):  # too long by now, or too many ask
        return None
    return _Said(text.strip(), answer.ending) if answer.ending else None


def _line(name: str, text: str) -> str:
    return f"\n{text}" if f"<{name}>" in text else f"\n<{name}>: {text}"


def _sum(one: Ending, more: Ending) -> Ending:
    return Ending(
        more.reason,
        one.prompt_tokens + more.prompt_tokens,
        one.completion_tokens + more.completion_tokens,
        one.cached_tokens + more.cached_tokens,
    )
