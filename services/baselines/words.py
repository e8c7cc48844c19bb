"""Concepts in a chat: where a user names one, the model reads the token of its slot."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.baselines.tokens import Slot
from services.generation.prompt import Rendered, neutralised, render
from services.runtime.types import Turn


def with_slots(
    turns: Sequence[Turn], names: Sequence[str], slots: Sequence[Slot], special: frozenset[str]
) -> Rendered:
    """A chat in which concepts stand as the names of their slots.

    Text stays data: all that a user writes is neutralised first, and a concept is found by its name
    as that leaves it, so that neither a name nor a text can bring in any other token.

    Args:
        turns: The chat.
        names: What the concepts are called, without angle brackets. In a chat that has none of them
            in brackets they are found as words.
        slots: One for each, in the same order, and perhaps more.
        special: The tokenizer's special tokens, those of the slots among them.
    """
    chat = render(turns, special)
    pairs = list(zip(names, slots, strict=False))
    tags = {neutralised(f"<{name}>", special): slot.name for name, slot in pairs}
    words = {neutralised(name, special): slot.name for name, slot in pairs}
    tagged = any(tag in _text(message) for tag in tags for message in chat.messages)
    replace = _replacing(tags, "{}") if tagged else _replacing(words, r"(?<!\w){}(?!\w)")
    messages = [_with_text(message, replace(_text(message))) for message in chat.messages]
    return Rendered(messages, chat.images)


def _replacing(tokens: Mapping[str, str], form: str) -> Callable[[str], str]:
    """Puts tokens in the place of names; of two that begin alike the longer one is meant."""
    longest = sorted(tokens, key=len, reverse=True)
    pattern = re.compile("|".join(form.format(re.escape(name)) for name in longest) or r"(?!)")
    return lambda text: pattern.sub(lambda found: tokens[found[0]], text)


def _text(message: Mapping[str, object]) -> str:
    content: Any = message["content"]
    return str(content[0]["text"])


def _with_text(message: Mapping[str, object], text: str) -> dict[str, object]:
    return {**message, "content": [{"type": "text", "text": text}]}
