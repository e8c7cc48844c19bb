"""Chat turns to a prompt in which user text is data, whatever it says."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from PIL import Image

from services.runtime.text import plain
from services.runtime.types import Turn

IMAGE: Final = "<image>"
"""Stands for a picture in a rendered prompt; LLaVA's processor puts the picture's tokens there."""

# Special tokens of the tokenizers that LLaVA models come with, for when the model's own can't be
# read: it runs behind an engine.
_KNOWN: Final = re.compile(r"<image>|</?s>|<pad>|<unk>|<\|[^|<>]*\|>", re.IGNORECASE)

# The words that open a turn in the templates LLaVA models were trained with (vicuna, llava_v0).
_ROLE: Final = re.compile(r"\b(user|assistant|human|system)(\s*)[:\uff1a]", re.IGNORECASE)


class Rendered(NamedTuple):
    """A chat in the form that a processor's chat template takes, and its pictures in order."""

    messages: list[dict[str, object]]
    images: list[Image.Image]


def neutralised(text: str, special: Iterable[str] = ()) -> str:
    """`text` that can neither become a special token nor open a turn of another role.

    A special token in it gets a space after its first character (`< image>`), the colon after a
    role's word becomes a dash (`USER -`). All else stays, names in angle brackets too: `<bo>`.

    Args:
        text: What a user wrote. Invisible characters are taken out first, so that none of them
            can hide a token.
        special: The tokenizer's special tokens, beside those that all such models know.
    """
    safe = _ROLE.sub(r"\1 -", plain(text))
    tokens = sorted({token for token in special if len(token) > 1}, key=len, reverse=True)
    any_token = re.compile("|".join([*map(re.escape, tokens), _KNOWN.pattern]), re.IGNORECASE)
    while any_token.search(safe):  # breaking one may uncover another that overlapped it
        safe = any_token.sub(lambda match: f"{match[0][0]} {match[0][1:]}", safe)
    return safe


def safe_parts(turn: Turn, special: Iterable[str] = ()) -> list[str | Image.Image]:
    """The texts and pictures of a turn in their order, every text neutralised and none empty.

    Neighbouring texts are joined first: half a token each is no way in.
    """
    special = list(special)
    parts: list[str | Image.Image] = []
    for are_texts, group in groupby(turn.parts, key=lambda part: isinstance(part, str)):
        if not are_texts:
            parts += group
        elif text := neutralised("".join(map(str, group)), special):
            parts.append(text)
    return parts


def text_in(message: Mapping[str, object]) -> str:
    """The text of a message as `render` makes it."""
    content: Any = message["content"]
    return str(content[0]["text"])


def with_text(message: Mapping[str, object], text: str) -> dict[str, object]:
    """The message with another text."""
    return {**message, "content": [{"type": "text", "text": text}]}


def render(turns: Sequence[Turn], special: Iterable[str] = ()) -> Rendered:
    """The messages for a chat template, one text each with `IMAGE` exactly where a picture stands.

    One text, since published LLaVA templates would move all pictures of a turn to its beginning.
    """
    special = list(special)
    messages: list[dict[str, object]] = []
    images: list[Image.Image] = []
    for turn in turns:
        parts = safe_parts(turn, special)
        images += [part for part in parts if not isinstance(part, str)]
        written = "".join(part if isinstance(part, str) else IMAGE for part in parts)
        messages.append({"role": turn.role, "content": [{"type": "text", "text": written}]})
    return Rendered(messages, images)
