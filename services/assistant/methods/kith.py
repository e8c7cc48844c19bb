"""`kith`: our own retrieval. It names all concepts of a photo, and gives a stranger no name.

Regions are the detector's boxes for the memory's categories, each thing once; the whole photo when
there is none, and for concepts of a category that the detector has no word for. Each is looked at
twice, the second time a little closer and in the mirror, and counts as the mean. A concept is as
near to a region as the nearest quarter of its views in the mean (a little further if it has three
views or more, and in a crowd), and out of question when one of its rejected views is nearer. A
region shows its nearest concept if that is nearer than the embedder's `stranger_distance`, and a
concept is in the region that is nearest to it. What a question names, in brackets or as a word, is
always recalled. The model is told in words who was found in the photo and who was not, asked on
about whomever it leaves out, and its names are put right.
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import ImageOps
from PIL.Image import Image

from memory_db import Concept
from services.assistant import prompts
from services.assistant.capabilities import Capabilities
from services.assistant.findings import Match, Recognition, Region, Retrieval, Used
from services.assistant.memory import Memory, Rows, is_spoken_of, only_named
from services.assistant.methods.completing import completed, expected
from services.assistant.methods.deciding import (
    Candidate,
    Candidates,
    Weights,
    candidates,
    decide,
    nearest_known,
)
from services.assistant.methods.shown import Shown
from services.assistant.prompts import Reference
from services.assistant.regions import cut_out, scaled, whole, without_doubles
from services.assistant.stages import Stages
from services.runtime.types import Answer, Box, Detection, Limits, Turn

MAX_REGIONS = 32
"""Regions looked at, the most certain: what lies behind is noise, and each costs an embedding."""

CLOSER = 0.86
"""Share of a region's sides that is left when it is looked at again: boxes reach beyond what they
hold, and what stands around it belongs to others."""

MATCHES = 5
"""Nearest concepts reported of a region."""


@dataclass(frozen=True)
class _Look:
    """A photo, looked at."""

    regions: Sequence[Detection]
    candidates: Sequence[Candidates]
    """Of each region."""
    kept: Mapping[int, Candidate]
    """What the decision keeps, by the number of the region."""


class Kith(Shown):
    """The method; `method("kith")` gives the one there is."""

    name = "kith"
    capabilities = Capabilities(name, positives_min=1, positives_max=16)
    layout = staticmethod(prompts.kith)
    heeds_rejections = True

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image) -> Retrieval:
        """All regions with their nearest concepts, and the pairs that are kept."""
        look = await _look(memory, stages, photo)
        regions = tuple(
            Region(found.box, found.category, found.score, _matches(memory, look, number))
            for number, found in enumerate(look.regions)
        )
        accepted = tuple(
            Used(
                _known(memory, kept),
                kept.view_id,
                0,
                look.regions[number].box,
                stages.certainty(kept.distance),
            )
            for number, kept in sorted(look.kept.items(), key=lambda item: item[1].distance)
        )
        return Retrieval(photo.width, photo.height, regions, accepted)

    async def recognize(
        self, memory: Memory, stages: Stages, photo: Image, concepts: Sequence[Concept]
    ) -> list[Recognition]:
        """Present is what `retrieve` accepts, with all other concepts competing.

        The score of one that is not present is that of its best region among those which no other
        concept is in, so that present and a score above 0.5 are the same.
        """
        look = await _look(memory, stages, photo)
        return [_recognition(look, stages, concept) for concept in concepts]

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """What the texts of the user name and what any photo shows, the oldest concept first.

        A concept that several photos show is there once a photo, the most certain first. Where the
        question names concepts and no photo shows one of them, nobody else is told of either: the
        model takes the one who is there for the one who is asked for.
        """
        texts = [prompts.text_of(turn) for turn in turns if turn.role == "user"]
        photos = [photo for turn in turns for photo in prompts.photos_of(turn)]
        seen = [
            used._replace(image_index=index)
            for index, photo in enumerate(photos)
            for used in (await self.retrieve(memory, stages, photo)).accepted
        ]
        shown = {used.concept.id for used in seen}
        asked_for = {concept.id for concept in memory.mentioned(texts[-1])}
        if asked_for and asked_for.isdisjoint(shown):
            seen = []
        named = [
            only_named(concept)._replace(there=False if photos else None)
            for concept in memory.mentioned("\n".join(texts))
            if concept.id not in shown
        ]
        age = {concept.id: number for number, concept in enumerate(memory.concepts)}
        return sorted([*seen, *named], key=lambda used: (age[used.concept.id], -used.score))

    async def ask(
        self,
        stages: Stages,
        turns: Sequence[Turn],
        references: Sequence[Reference],
        limits: Limits,
        cache_key: bytes,
    ) -> Answer:
        """See `Method.ask`: the model is told who was found in the photos and who was not.

        Two models looked for them that are made for it, and a language model is neither.
        """
        told = prompts.with_findings(turns, references)
        names = expected(turns, references)
        told_of = spoken_of(turns, references)
        ask = partial(super().ask, stages, references=told_of, cache_key=cache_key)
        return Answer(completed(ask, told, names, limits))


def spoken_of(turns: Sequence[Turn], references: Sequence[Reference]) -> list[Reference]:
    """Those whose pictures the model needs: of whom the questions name, if each names somebody."""
    names: set[str] = set()
    for question in (prompts.text_of(turn) for turn in turns if turn.role == "user"):
        named = {r.concept.name for r in references if is_spoken_of(r.concept.name, question)}
        if not named:
            return list(references)
        names |= named
    return [one for one in references if one.concept.name in names]


async def _look(memory: Memory, stages: Stages, photo: Image) -> _Look:
    if not memory.concepts:
        return _Look([], [], {})
    found = without_doubles(await stages.detector.detect(photo, memory.categories))[:MAX_REGIONS]
    wordless = await _wordless(memory, stages)
    regions = found if found and not wordless else [*found, Detection(whole(photo), "", 0.0)]
    vectors = await _vectors(stages, photo, [region.box for region in regions])
    near = await memory.within(vectors, stages.stranger_distance)
    rows = _candidates(memory, regions, near, wordless)
    return _Look(regions, rows, decide(rows, stages.stranger_distance))


def _candidates(
    memory: Memory, regions: Sequence[Detection], near: Rows, wordless: Container[str]
) -> list[Candidates]:
    """Of each region; of the whole photo beside others, only those that no word finds."""
    weights = Weights.of(memory.views)
    rows: list[Candidates] = []
    for region, row in zip(regions, near, strict=True):
        found = candidates(row, memory.views, weights)
        if not region.category and len(regions) > 1:
            found = {concept_id: one for concept_id, one in found.items() if concept_id in wordless}
        rows.append(found)
    return rows


async def _vectors(stages: Stages, photo: Image, boxes: Sequence[Box]) -> NDArray[np.float32]:
    """What each region looks like: [regions, dim], unit length."""
    crops = await cut_out(photo, [*boxes, *(scaled(box, photo, CLOSER) for box in boxes)])
    count = len(boxes)
    crops[count:] = [ImageOps.mirror(crop) for crop in crops[count:]]
    vectors = await stages.embedder.embed_images(crops)
    mean = vectors[:count] + vectors[count:]
    unit: NDArray[np.float32] = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    return unit


async def _wordless(memory: Memory, stages: Stages) -> set[str]:
    """The concepts that the detector can't find, since it has no word for their category."""
    words = {word.casefold() for word in await stages.detector.vocabulary()}
    return {c.id for c in memory.concepts if words and c.category.casefold() not in words}


def _matches(memory: Memory, look: _Look, number: int) -> tuple[Match, ...]:
    kept = look.kept.get(number)
    nearest = list(look.candidates[number].values())
    reported = nearest[:MATCHES] + [found for found in nearest[MATCHES:] if found == kept]
    return tuple(
        Match(_known(memory, found), found.view_id, found.distance, found == kept)
        for found in reported
    )


def _recognition(look: _Look, stages: Stages, concept: Concept) -> Recognition:
    stranger = stages.stranger_distance
    own = [number for number, kept in look.kept.items() if kept.concept_id == concept.id]
    left = [n for n, row in enumerate(look.candidates) if not nearest_known(row, stranger)]
    places = [
        (found.distance, number, found.view_id)
        for number in own or left
        if (found := look.candidates[number].get(concept.id)) and not found.rejected
    ]
    if not places:
        return Recognition(concept, False, 0.0, None, "")
    distance, number, view_id = min(places)
    box = look.regions[number].box
    return Recognition(concept, bool(own), stages.certainty(distance), box, view_id)


def _known(memory: Memory, found: Candidate) -> Concept:
    concept = memory.get(found.concept_id)
    assert concept is not None  # `Memory.within` gives no others
    return concept
