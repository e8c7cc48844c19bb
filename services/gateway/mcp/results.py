"""What the tools answer: the structured content of their results, and links to the views in it."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, Self

from mcp.types import ResourceLink
from pydantic import BaseModel, Field

from kith import messages
from services.gateway.mcp.forms import Box
from services.gateway.mcp.views import view_link, view_uri

_NOTES: Final[Mapping[messages.State, str]] = {
    "training": "training: not known before that is over",
    "untrained": "not trained: not known",
    "outdated": "changed since it was trained: known as it was",
}

ViewUri = str
"""Of a photo that shows the concept, as it is remembered: a resource of this server."""


class Result(BaseModel):
    """The structured content of a tool's result."""

    def links(self) -> Iterator[ResourceLink]:
        """The views that the result is about."""
        yield from ()


class Concept(Result):
    """A concept as it is remembered."""

    name: str = Field(description="Resource name; display_name does as well in every call.")
    display_name: str = Field(description="What the user calls it; <bo> in texts stands for bo.")
    category: str
    description: str
    views: list[ViewUri] = Field(description="Photos of it, resources of this server.")
    note: str | None = Field(
        None, description="What keeps it from being known, where it has to be trained first."
    )

    @classmethod
    def of(cls, concept: messages.Concept, training: messages.Training | None = None) -> Self:
        """From the client's value, and how far its training is."""
        return cls(
            name=concept.name,
            display_name=concept.display_name,
            category=concept.category,
            description=concept.description,
            views=[view_uri(view.name) for view in concept.positive_views],
            note=_NOTES.get(concept.state) if training is None else _in_training(training),
        )

    def links(self) -> Iterator[ResourceLink]:
        """All its views."""
        return (view_link(uri, self.display_name) for uri in self.views)


class Concepts(Result):
    """A part of the memory."""

    concepts: list[Concept]
    total: int = Field(description="How many there are in all.")
    next_start: int | None = Field(None, description="`start` of the next part, if there is one.")


class Forgotten(Result):
    """A concept that is forgotten, or is no longer."""

    name: str
    display_name: str
    undo_until: datetime | None = Field(
        None, description="Until then it can be brought back; not there when it is back."
    )

    @classmethod
    def of(cls, concept: messages.Concept) -> Self:
        """From the client's value."""
        return cls(name=concept.name, display_name=concept.display_name, undo_until=concept.purged)


class Found(BaseModel):
    """A concept that a photo shows, or that an answer rests on."""

    concept: str = Field(description="Its display name.")
    view: ViewUri | None = Field(None, description="The photo it was known by, a resource.")
    box: Box | None = Field(
        None, description="[x1, y1, x2, y2] in pixels; not there when it was only named."
    )
    score: float = Field(description="How certain it is that the photo shows it, 0 to 1.")

    @classmethod
    def of(cls, used: messages.UsedConcept) -> Self:
        """From the client's value."""
        return cls(
            concept=used.concept,
            view=view_uri(used.view) if used.view else None,
            box=_box(used.box) if used.box else None,
            score=_share(used.score),
        )


class Stranger(BaseModel):
    """Something in a photo that looks like nothing in the memory."""

    category: str
    box: Box = Field(description="[x1, y1, x2, y2] in pixels; remember_concept takes it.")
    score: float = Field(description="How certain the detector is of the category, 0 to 1.")


class Sighting(Result):
    """Who is where in a photo."""

    width: int = Field(description="Of the photo, in pixels.")
    height: int
    concepts: list[Found] = Field(description="Whom it shows, the most certain first.")
    strangers: list[Stranger] = Field(
        description="What else there is of a category in the memory, and is nobody known."
    )

    @classmethod
    def of(cls, found: messages.Retrieval) -> Self:
        """From the client's value."""
        return cls(
            width=found.width,
            height=found.height,
            concepts=[Found.of(used) for used in found.accepted],
            strangers=[
                Stranger(category=one.category, box=_box(one.box), score=_share(one.score))
                for one in found.regions
                if one.category and not any(match.accepted for match in one.matches)
            ],
        )

    def links(self) -> Iterator[ResourceLink]:
        """The matched views."""
        return _links(self.concepts)


class Answer(Result):
    """An answer, and what it rests on."""

    answer: str
    complete: bool = Field(description="False when it was cut off at the longest allowed.")
    concepts: list[Found] = Field(description="The concepts the answer was given with.")

    @classmethod
    def of(cls, answer: messages.Answer) -> Self:
        """From the client's value."""
        return cls(
            answer=answer.text,
            complete=answer.complete,
            concepts=[Found.of(used) for used in answer.concepts],
        )

    def links(self) -> Iterator[ResourceLink]:
        """The matched views."""
        return _links(self.concepts)


def _in_training(training: messages.Training) -> str:
    if training.remaining_s is None:
        return _NOTES["training"]
    return f"{_NOTES['training']}, ready in about {math.ceil(training.remaining_s)} s"


def _links(concepts: Sequence[Found]) -> Iterator[ResourceLink]:
    return (view_link(found.view, found.concept) for found in concepts if found.view)


def _box(box: messages.Box) -> list[float]:
    return [round(edge, 2) for edge in box]


def _share(value: float) -> float:
    return round(value, 4)  # the wire carries single precision: 0.9 comes as 0.8999999762
