"""The exact layouts of prompts: the language model was trained on these, to the character.

Each lays out one user turn as texts and pictures in the order in which the model reads them.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

from PIL.Image import Image

from memory_db import Concept
from services.runtime import images
from services.runtime.types import Box, Turn

Parts = tuple[str | Image, ...]

MAX_SIDE = 2048
"""Pixels of a picture's longer side that the model is sent: more than any looks at, and sixteen
such pictures still fit into one request."""

CAPTION = "Please provide a caption for this image."
"""What the model is asked when a description has to be written."""

_LEFT: Final = 0.4
_RIGHT: Final = 0.6
_BETWEEN: Final = "in the middle"
_NEARLY_ALL: Final = 0.9
"""Shares of a picture's width."""


class Reference(NamedTuple):
    """A concept and the one picture of it that the model is shown."""

    concept: Concept
    photo: Image
    seen_in: Mapping[int, Box | None] = MappingProxyType({})
    """By the numbers of the chat's pictures in which it was found, from 0, where in them."""
    there: bool | None = None
    """Of one that was found in none of them; see `Used.there`."""


Layout = Callable[[Sequence[Image], Sequence[Reference], str], Parts]
"""Photos of a turn, references and the question, to the parts of that turn."""


def rap(photos: Sequence[Image], references: Sequence[Reference], question: str) -> Parts:
    """RAP's published layout: the photo, then the references in square brackets.

    Without a photo there are no brackets. The list starts at 1 there too, as in RAP's own code
    for answering, where its training data started at 0.
    """
    if not photos:
        return text_only(references, question)
    return _joined([*photos, "\n[", *_listed(references), "]" + question])


def kith(photos: Sequence[Image], references: Sequence[Reference], question: str) -> Parts:
    """Kith's layout: the references first, so that the engine knows this beginning next time."""
    if not photos:
        return text_only(references, question)
    listed = ["[", *_listed(references), "]"] if references else []
    return _joined([*listed, *photos, "\n" + question])


def plain(photos: Sequence[Image], references: Sequence[Reference], question: str) -> Parts:
    """A turn without references, and any later turn of a chat; `references` is left out."""
    return (*photos, "\n" + question) if photos else (question,)


def text_only(references: Sequence[Reference], question: str) -> Parts:
    """A question without a photo: the references without brackets."""
    return _joined([*_listed(references), question])


def lay_out(turns: Sequence[Turn], references: Sequence[Reference], first: Layout) -> list[Turn]:
    """A chat with its references, which stand once: in the first turn of the user.

    Args:
        turns: Photos and texts as they were asked; in a turn the photos are moved to the front.
        references: In the order in which they shall stand.
        first: The layout of the first user turn. Later ones are `plain`.
    """
    layout, chat = first, []
    for turn in turns:
        if turn.role == "user":
            turn = Turn("user", layout(photos_of(turn), references, text_of(turn)))  # noqa: PLW2901
            layout = plain
        chat.append(turn)
    return chat


def with_findings(turns: Sequence[Turn], references: Sequence[Reference]) -> list[Turn]:
    """The chat with, before what is asked about pictures, who was found in them and who was not.

    Where somebody is in the picture is told too, if there is one picture to be in. Whoever was not
    looked for is left out.
    """
    told, pictures = [], 0
    for turn in turns:
        photos = photos_of(turn)
        these = range(pictures, pictures + len(photos))
        pictures = these.stop
        seen = {
            r.concept.name: place(r.seen_in[these[0]], photos[0].width) if len(these) == 1 else ""
            for r in references
            if any(i in these for i in r.seen_in)
        }
        looked_for = [r for r in references if r.seen_in or r.there is False]
        unseen = [r.concept.name for r in looked_for if r.concept.name not in seen]
        words = findings(seen, unseen) if these else ""
        told.append(Turn(turn.role, (*photos, words + text_of(turn))) if words else turn)
    return told


def findings(seen: Mapping[str, str], unseen: Sequence[str]) -> str:
    """A line on whom the pictures show and whom not; empty when there is nobody.

    Args:
        seen: Where each is who was found, by name; empty where that is not known.
        unseen: Names.
    """
    said = [
        f"{word}: {', '.join(f'<{name}> {where}'.rstrip() for name, where in names.items())}."
        for word, names in (("Seen here", seen), ("Not seen here", dict.fromkeys(unseen, "")))
        if names
    ]
    return f"{' '.join(said)}\n" if said else ""


def place(box: Box | None, width: float) -> str:
    """Where in a picture of this width a box is, in words; empty if it takes up nearly all."""
    if box is None:
        return ""
    left, _, right, _ = (x / width for x in box)
    if right - left > _NEARLY_ALL:
        return ""
    middle = (left + right) / 2
    return "on the left" if middle < _LEFT else "on the right" if middle > _RIGHT else _BETWEEN


def photos_of(turn: Turn) -> list[Image]:
    """The pictures of a turn."""
    return [part for part in turn.parts if not isinstance(part, str)]


def text_of(turn: Turn) -> str:
    """The texts of a turn, a line each."""
    return "\n".join(part for part in turn.parts if isinstance(part, str))


def without_photos(turn: Turn) -> Turn:
    """A turn with its texts only."""
    return Turn(turn.role, tuple(part for part in turn.parts if isinstance(part, str)))


def shrunk(turns: Sequence[Turn]) -> list[Turn]:
    """The chat with no picture longer than `MAX_SIDE`."""
    return [
        Turn(
            turn.role,
            tuple(
                part if isinstance(part, str) else images.shrink(part, MAX_SIDE)
                for part in turn.parts
            ),
        )
        for turn in turns
    ]


def _listed(references: Sequence[Reference]) -> list[str | Image]:
    listed: list[str | Image] = []
    for number, reference in enumerate(references, start=1):
        concept = reference.concept
        info = f"\n Name: <{concept.name}>, Info: {concept.description}\n"
        listed += [f"{number}.", reference.photo, info]
    return listed


def _joined(parts: Sequence[str | Image]) -> Parts:
    """`parts` with neighbouring texts made one."""
    joined: list[str | Image] = list(parts[:1])
    for before, part in pairwise(parts):
        if isinstance(before, str) and isinstance(part, str):
            joined[-1] = f"{joined[-1]}{part}"
        else:
            joined.append(part)
    return tuple(joined)
