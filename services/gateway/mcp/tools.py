"""The tools: what a chat program's model can do with a memory.

A tool's docstring is what the model is told of it, and its annotations are its schemas.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from mcp.types import Tool, ToolAnnotations

from kith.aio import AsyncVerbs
from kith.messages import Training
from services.gateway.mcp import forms
from services.gateway.mcp.arguments import Ask, Find, Forget, List, Remember, Update
from services.gateway.mcp.errors import told
from services.gateway.mcp.photos import PlacedPhoto, Source, SourceKind, photo_bytes
from services.gateway.mcp.results import Answer, Concept, Concepts, Forgotten, Result, Sighting

PAGE_SIZE: Final = 50
"""Concepts in one answer of list_concepts: a model has to read them all."""


@dataclass(frozen=True)
class Caller:
    """Whoever calls a tool."""

    kith: AsyncVerbs
    """Calls the assistant in this user's name."""
    source: Source
    """Where this user's large photos lie."""

    async def views(self, images: list[PlacedPhoto]) -> tuple[list[bytes], list[Any]]:
        """Photos of a concept, and the box of each."""
        photos = [
            await photo_bytes(image, self.source, field=f"images[{number}]")
            for number, image in enumerate(images)
        ]
        return photos, [image.box for image in images]


async def remember_concept(asked: Remember, caller: Caller) -> Concept:
    """Remember a person, pet, thing or place by photos of it, to know it in later photos.

    Call it when the user shows something and says what or who it is ("this is Bo, my dog") or asks
    to remember it. The name is the user's; never make one up. If the name is taken, ask whether it
    is the same one, and then add the photo with update_concept.
    """
    photos, boxes = await caller.views(asked.images)
    trainings: list[Training] = []  # none where nothing has to be trained
    made = await told(
        caller.kith.remember(
            asked.name,
            photos,
            category=asked.category,
            description=asked.description,
            boxes=boxes,
            wait=False,
            progress=trainings.append,
        )
    )
    return Concept.of(made, trainings[-1] if trainings else None)


async def list_concepts(asked: List, caller: Caller) -> Concepts:
    """List what is remembered, the oldest first: names, categories and descriptions.

    Call it to learn what the user's names stand for, or before changing or forgetting something
    that the user describes without naming it. To learn who is in a photo, call find_concepts.
    """
    known = await told(caller.kith.list_concepts(category=asked.category))
    end = asked.start + PAGE_SIZE
    return Concepts(
        concepts=[Concept.of(concept) for concept in known[asked.start : end]],
        total=len(known),
        next_start=end if end < len(known) else None,
    )


async def update_concept(asked: Update, caller: Caller) -> Concept:
    """Change what is known of a concept; it holds from the next question on.

    One kind of change in a call: new words (name, category, description), or further photos of it
    (images), or a photo that was wrongly taken for it (not_in) when the user says "that is not
    Bo". What is left out stays as it is.
    """
    if asked.not_in:
        photo = await photo_bytes(asked.not_in, caller.source, field="not_in")
        box: Any = asked.not_in.box
        return Concept.of(await told(caller.kith.reject(asked.concept, photo, box=box)))
    if asked.images:
        photos, boxes = await caller.views(asked.images)
        return Concept.of(await told(caller.kith.add_views(asked.concept, photos, boxes=boxes)))
    return Concept.of(await told(caller.kith.edit(asked.concept, **asked.words)))


async def forget_concept(asked: Forget, caller: Caller) -> Forgotten:
    """Forget a concept with all its photos, at once.

    Only when the user asks for it. Until the time in the answer it can be brought back (undo), and
    then nothing of it is left; tell the user so.
    """
    if asked.undo:
        return Forgotten.of(await told(caller.kith.unforget(asked.concept)))
    return Forgotten.of(await told(caller.kith.forget(asked.concept)))


async def find_concepts(asked: Find, caller: Caller) -> Sighting:
    """Find who and what of the user's memory is in a photo, and where.

    Call it on any photo of the user's before saying who or what is in it. It names only what it is
    sure of: what it lists as a stranger is of a known kind, but nobody known; do not guess a name.
    """
    photo = await photo_bytes(asked.image, caller.source, field="image")
    return Sighting.of(await told(caller.kith.retrieve(photo)))


async def ask(asked: Ask, caller: Caller) -> Answer:
    """Answer a question with the user's memory: about a photo, or about remembered things alone.

    A vision-language model sees the photo together with the concepts found in it. Call
    find_concepts instead when only names and places are wanted: that is faster and surer.
    """
    image = None
    if asked.image:
        image = await photo_bytes(asked.image, caller.source, field="image")
    return Answer.of(await told(caller.kith.ask(asked.question, image)))


Run = Callable[[Any, Caller], Awaitable[Result]]

_READS: Final = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_ADDS: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False
)
_CHANGES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False
)
_REMOVES: Final = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)

_TOOLS: Final[Mapping[Run, tuple[str, ToolAnnotations]]] = {
    remember_concept: ("Remember", _ADDS),
    list_concepts: ("List what is remembered", _READS),
    update_concept: ("Change what is remembered", _CHANGES),
    forget_concept: ("Forget", _REMOVES),
    find_concepts: ("Find who is in a photo", _READS),
    ask: ("Ask the memory", _READS),
}
RUNS: Final[Mapping[str, Run]] = {run.__name__: run for run in _TOOLS}
"""The tools by name."""


def described(source: SourceKind) -> list[Tool]:
    """What a model is told of the tools where large photos come from `source`."""
    return [
        Tool(
            name=run.__name__,
            title=title,
            description=inspect.getdoc(run),
            input_schema=_offering(source, forms.schema(arguments_of(run))),
            output_schema=forms.schema(inspect.signature(run).return_annotation),
            annotations=hints,
        )
        for run, (title, hints) in _TOOLS.items()
    ]


def arguments_of(run: Run) -> type[forms.Form]:
    """What a tool is asked with."""
    form: type[forms.Form] = inspect.signature(run).parameters["asked"].annotation
    return form


def _offering(source: SourceKind, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without the source that is not to be had."""
    other = "path" if source == "upload" else "upload"
    for part in schema.get("$defs", {}).values():
        part["properties"].pop(other, None)
    return schema
