"""Gathers what a training learns from: views, what came with them, negatives."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from kith.errors import NotFound, Refused
from memory_db import Concept, ConceptStore, View
from memory_db.durable import write_durably
from services.assistant.capabilities import Capabilities
from services.assistant.memory import positive_views
from services.assistant.stages import Stages
from services.baselines import kept
from services.baselines.jobs import Job
from services.baselines.material import Example, Material, Subject
from services.baselines.place import Place
from services.baselines.pool import Mined, Pool
from services.runtime import images


class Gathering:
    """Makes the material of trainings.

    Args:
        stages: See what the photos show.
        pool: Where negatives are looked for that did not come with the photos; None for nowhere.
        capabilities: Of the method: what it learns from.
    """

    def __init__(self, stages: Stages, pool: Pool | None, capabilities: Capabilities) -> None:
        self._stages = stages
        self._pool = pool
        self._can = capabilities

    async def require_negatives(self) -> None:
        """Checks that negatives can be found for photos that come without.

        Raises:
            Refused: There is nowhere to look.
        """
        if self._pool is None or await asyncio.to_thread(self._pool.is_empty):
            raise Refused(
                f"negatives: {self._can.method} learns from photos that do not show the concept; "
                "send some, or have the server's operator name a folder of pictures with "
                "KITH_NEGATIVES",
                reason="NEGATIVES_MISSING",
                field="negatives",
            )

    async def gather(
        self, place: Place, store: ConceptStore, job: Job, concept_ids: Sequence[str]
    ) -> Material:
        """What is learned of these concepts of a job; the same again after a stop.

        Raises:
            NotFound: One is forgotten, or has lost all the views.
            Refused: There are no negatives.
        """
        subjects = [await self._subject(place, store, job, one) for one in concept_ids]
        given = [
            picture
            for one in concept_ids
            for picture in await asyncio.to_thread(kept.negatives_of, place, one)
        ]
        if given:
            return Material(tuple(subjects), hard=tuple(given))
        file = place.job(job.id) / f"{concept_ids[0]}.negatives.json"
        return await self._with_mined(file, subjects)

    async def _subject(
        self, place: Place, store: ConceptStore, job: Job, concept_id: str
    ) -> Subject:
        concept = await asyncio.to_thread(store.get, concept_id)
        wanted = set(job.views[concept_id])
        views = [view for view in positive_views(concept) if view.id in wanted]
        if not views:
            raise NotFound(
                f"<{concept.name}> has none of the views any more that it was to be learned from",
                reason="VIEW_NOT_FOUND",
            )
        notes = await asyncio.to_thread(kept.about, place, concept_id)
        examples = [
            await self._example(place, store, concept, view, notes.captions.get(view.id, ""))
            for view in views
        ]
        return Subject(concept_id, concept.name, concept.category, tuple(examples))

    async def _example(
        self, place: Place, store: ConceptStore, concept: Concept, view: View, caption: str
    ) -> Example:
        data = await asyncio.to_thread(store.photo, view.blob)
        picture = await asyncio.to_thread(images.decode, data, field="photo")
        mask = None
        if self._can.masks:
            mask = await asyncio.to_thread(kept.mask_of, place, concept.id, view.id)
            mask = mask or await self._boxed(picture, concept.category)
        return Example(picture, caption if self._can.captions else "", mask)

    async def _boxed(self, picture: Image.Image, category: str) -> Image.Image:
        """A mask from the box of the likeliest region; all of the picture where there is none."""
        found = await self._stages.detector.detect(picture, [category] if category else [])
        mask = Image.new("L", picture.size, 0 if found else 255)
        if found:
            ImageDraw.Draw(mask).rectangle(found[0].box, fill=255)
        return mask

    async def _with_mined(self, file: Path, subjects: Sequence[Subject]) -> Material:
        """The subjects with negatives from the pool, half of them alike."""
        await self.require_negatives()
        assert self._pool is not None  # else that was refused
        views = [example.image for subject in subjects for example in subject.examples]
        mined = await asyncio.to_thread(_read, file)
        if mined is None:
            vectors = await self._stages.embedder.embed_images(views)
            half = self._can.negatives // 2
            mined = await self._pool.mine(np.asarray(vectors), half, self._can.negatives - half, 0)
            await asyncio.to_thread(write_durably, file, json.dumps(mined).encode())
        hard, soft = [await asyncio.to_thread(self._pool.read, names) for names in mined]
        return Material(tuple(subjects), tuple(hard), tuple(soft))


def _read(file: Path) -> Mined | None:
    if not file.exists():
        return None
    hard, soft = json.loads(file.read_text(encoding="utf-8"))
    return Mined(tuple(hard), tuple(soft))
