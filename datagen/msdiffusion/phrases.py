"""Where a phrase stands in a prompt, counted in tokens."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Tokenizer(Protocol):
    """What is needed of CLIP's tokenizer."""

    model_max_length: int

    def encode(self, text: str) -> list[int]:
        """Token ids, with one that opens and one that ends."""


class Span(NamedTuple):
    """Tokens of a prompt, the end excluded."""

    start: int
    end: int


def phrase_spans(
    tokenizer: Tokenizer, phrases: Sequence[str], prompt: str
) -> tuple[Span | None, ...]:
    """The tokens of each phrase; the second "dog" of `phrases` is the second in the prompt.

    None for a phrase that the prompt does not hold as whole words, or only beyond the tokens that
    the text encoder reads.
    """
    return tuple(
        _span(tokenizer, phrase, prompt, phrases[:place].count(phrase))
        for place, phrase in enumerate(phrases)
    )


def _span(tokenizer: Tokenizer, phrase: str, prompt: str, occurrence: int) -> Span | None:
    pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
    matches = list(re.finditer(pattern, prompt, re.IGNORECASE))
    if len(matches) <= occurrence:
        return None
    match = matches[occurrence]
    # CLIP's tokens never cross the edge of a word, so a part of the prompt has a part's tokens.
    start = len(tokenizer.encode(prompt[: match.start()])) - 1
    end = len(tokenizer.encode(prompt[: match.end()])) - 1
    return Span(start, end) if end < tokenizer.model_max_length else None
