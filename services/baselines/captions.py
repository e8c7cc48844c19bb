"""Captions that name a concept: given with its pictures, or written by the base model."""

import math
import re
from collections.abc import Generator
from typing import Final

from services.baselines.base_model import BaseModel, chat
from services.baselines.material import Example, Subject
from services.baselines.training import Progress
from services.generation.prompt import IMAGE, neutralised
from services.runtime.types import Ending, Limits

ASKED: Final = "Please provide a caption for this image."

_LENGTH: Final = Limits(max_tokens=64)


def written(base: BaseModel, name: str) -> str:
    """A concept's name in angle brackets, as text that can't be a token of its own."""
    return neutralised(f"<{name}>", base.special)


def told_captions(
    base: BaseModel, subject: Subject, epochs: int
) -> Generator[Progress, None, list[str]]:
    """A caption with the concept's name for each of its pictures, in order.

    One that was given is kept; where there is none, the base model writes it. If that speaks of
    nothing of the concept's category, the model has not seen the concept: "A photo of <bo>." has to
    do. Yields after each.

    Args:
        base: The model.
        subject: The concept.
        epochs: Of the training to come, for the progress.
    """
    name = written(base, subject.name)
    captions = []
    for example in subject.examples:
        if given := neutralised(example.caption, base.special):
            caption = named(given, name, subject.category) or f"A photo of {name}. {given}"
        else:
            told = _caption(base, example)
            caption = named(told, name, subject.category) or f"A photo of {name}."
        captions.append(caption)
        yield Progress(0, epochs, 0.0, math.nan)
    return captions


def named(caption: str, name: str, category: str) -> str:
    """`caption` with `name` where it speaks of a thing of this category; empty if it does not.

    The name takes the place of the first phrase from an article to the category's word: "a small
    dog", "the dog". A caption that has the name stays as it is.
    """
    if name in caption:
        return caption
    word = r"(?!(?:an?|the|of|with|and|in|on|to|by)\b)[\w-]+\s+"
    phrase = rf"\b(?:an?|the)\s+(?:{word})*?{re.escape(category)}\b"
    replaced, found = re.subn(phrase, lambda _: name, caption, count=1, flags=re.IGNORECASE)
    return replaced if found else ""


def _caption(base: BaseModel, example: Example) -> str:
    prompt = base.prompt(chat(f"{IMAGE}\n{ASKED}"))
    pieces = base.write(base.read([prompt], [example.image]), _LENGTH)
    told = "".join(piece for piece in pieces if not isinstance(piece, Ending))
    return neutralised(told.strip(), base.special)
