"""`rap`: retrieval as the code of RAP (CVPR 2025) does it, to the letter.

Regions are the detector's boxes for the memory's categories, at confidence 0.1 (set in the
profile), rounded to two decimals; never the whole photo, so that a photo without a box finds
nothing. Each crop asks for its two nearest reference images, one image a concept (the first view).
All hits together are sorted by distance and taken, each concept once, until there are `top_k`.
There is no threshold: a stranger gets the name of whoever is nearest. Concepts whose bracketed
name stands in the question come first, at distance 0; they are never cut off but count towards
`top_k`. Only the first turn of a chat is looked at.

RAP sorts by squared L2 distance; Kith reports its root, which sorts alike.
"""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from PIL.Image import Image

from memory_db import Concept, Neighbour
from services.assistant import prompts
from services.assistant.capabilities import Capabilities
from services.assistant.findings import Match, Recognition, Region, Retrieval, Used
from services.assistant.memory import Memory, Rows, only_named, positive_views
from services.assistant.methods.shown import Shown
from services.assistant.regions import LOOKED_AT
from services.assistant.stages import Stages
from services.runtime.images import shrink
from services.runtime.types import Detection, Turn

NEIGHBOURS = 2
"""Nearest images a crop asks for, whatever `top_k` is."""

TOP_K = 2
"""Length of the list for a caption, and what RAP's command line starts with."""

TOP_K_NAMED = 1
"""The same for a question that names a concept, as in RAP's scripts for recognition and QA."""


class Hit(NamedTuple):
    """One of a crop's nearest images."""

    crop: int
    neighbour: Neighbour


class Rap(Shown):
    """The method; `method("rap")` gives the one there is."""

    name = "rap"
    capabilities = Capabilities(name, positives_min=1, positives_max=1)
    layout = staticmethod(prompts.rap)
    heeds_rejections = False

    async def retrieve(self, memory: Memory, stages: Stages, photo: Image) -> Retrieval:
        """Two matches a crop; accepted are the `TOP_K` nearest concepts of all crops."""
        found, rows = await _look(memory, stages, photo)
        chosen = choose(rows, named=[], top_k=TOP_K)
        regions = []
        for crop, (detection, row) in enumerate(zip(found, rows, strict=True)):
            matches = tuple(
                Match(_known(memory, hit), hit.view_id, hit.distance, Hit(crop, hit) in chosen)
                for hit in row
            )
            regions.append(Region(detection.box, detection.category, detection.score, matches))
        accepted = tuple(_used(memory, found, hit) for hit in chosen)
        return Retrieval(photo.width, photo.height, tuple(regions), accepted)

    async def recognize(
        self, memory: Memory, stages: Stages, photo: Image, concepts: Sequence[Concept]
    ) -> list[Recognition]:
        """Present is what `retrieve` accepts.

        RAP has no such call: it asks the language model, showing it the image of the concept that
        the question names. Its list for captions is the nearest thing that it publishes.
        """
        accepted = {
            used.concept.id: used for used in (await self.retrieve(memory, stages, photo)).accepted
        }
        return [
            Recognition(used.concept, True, used.score, used.box, used.view_id)
            if (used := accepted.get(concept.id))
            else Recognition(concept, False, 0.0, None, "")
            for concept in concepts
        ]

    async def recall(self, memory: Memory, stages: Stages, turns: Sequence[Turn]) -> list[Used]:
        """The concepts that the first question names, then the nearest ones in its photo."""
        first = next(turn for turn in turns if turn.role == "user")
        named = memory.in_brackets(prompts.text_of(first))
        recalled = [only_named(concept) for concept in named]
        photos = prompts.photos_of(first)
        top_k = TOP_K_NAMED if named else TOP_K
        if not photos or len(named) >= top_k:
            return recalled
        found, rows = await _look(memory, stages, photos[0])
        chosen = choose(rows, [concept.id for concept in named], top_k)
        return recalled + [_used(memory, found, hit) for hit in chosen]


def choose(rows: Rows, named: Sequence[str], top_k: int) -> list[Hit]:
    """The hits that are taken, the nearest first.

    Args:
        rows: The neighbours of each crop.
        named: Ids of the concepts that the list holds already, by their names.
        top_k: How long hits may make the list.
    """
    hits = [Hit(crop, neighbour) for crop, row in enumerate(rows) for neighbour in row]
    hits.sort(key=lambda hit: hit.neighbour.distance)
    seen, chosen = set(named), []
    for hit in hits:
        if len(seen) >= top_k:
            break
        if hit.neighbour.concept_id not in seen:
            seen.add(hit.neighbour.concept_id)
            chosen.append(hit)
    return chosen


async def _look(memory: Memory, stages: Stages, photo: Image) -> tuple[list[Detection], Rows]:
    """The detector's boxes, and the nearest first views of each."""
    if not memory.categories:
        return [], []
    detections = await stages.detector.detect(photo, memory.categories)
    found, crops = await asyncio.to_thread(_cut, photo, detections)
    if not crops:
        return [], []
    first_views = {positive_views(concept)[0].id for concept in memory.concepts}
    vectors = await stages.embedder.embed_images(crops)
    return found, await memory.nearest(vectors, NEIGHBOURS, lambda hit: hit.view_id in first_views)


def _cut(photo: Image, detections: Sequence[Detection]) -> tuple[list[Detection], list[Image]]:
    """RAP's own crops, without those of less than a pixel: there is nothing to embed.

    Those larger than anybody looks at are scaled down, which RAP leaves to its embedder.
    """
    found, crops = [], []
    for detection in detections:
        x1, y1, x2, y2 = (round(side, 2) for side in detection.box)
        crop = photo.crop((x1, y1, x2, y2))
        if crop.width and crop.height:
            found.append(detection._replace(box=(x1, y1, x2, y2)))
            crops.append(shrink(crop, LOOKED_AT))
    return found, crops


def _used(memory: Memory, found: Sequence[Detection], hit: Hit) -> Used:
    neighbour = hit.neighbour
    # The cosine of the angle between the unit vectors: RAP itself has no measure of certainty.
    score = max(0.0, 1 - neighbour.distance**2 / 2)
    box = found[hit.crop].box
    return Used(_known(memory, neighbour), neighbour.view_id, 0, box, score)


def _known(memory: Memory, neighbour: Neighbour) -> Concept:
    concept = memory.get(neighbour.concept_id)
    assert concept is not None  # `Memory.nearest` gives no others
    return concept
