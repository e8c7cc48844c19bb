"""The photos and concepts of an offline bench, looked at once by the shipped models."""

import random
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from evaluation import datasets, memories
from evaluation.bench import DISTRACTORS, OUTSIDE, OUTSIDE_MULTI, SPLITS, whose
from evaluation.manifest import Concept, Dataset
from kith.errors import InvalidInput
from pocket.masking import alone
from pocket.patches import PatchEmbedder, Patches
from services.assistant.methods.kith import CLOSER, MAX_REGIONS
from services.assistant.regions import cut_out, scaled, whole, without_doubles
from services.assistant.settings import LocalSettings
from services.assistant.stages import Stages
from services.assistant.views import Photo, prepare
from services.assistant.wiring import parts_of
from services.runtime.profile import Profile
from services.runtime.types import Box

Vectors = NDArray[np.float32]
"""[n, dim], each of unit length."""

CROWDED: Final = 1000
"""Concepts of a large memory."""

_SINGLES: Final = 4
"""Photos of each concept alone."""
_WIDER: Final = 1.2


@dataclass(frozen=True)
class Seen:
    """A photo, looked at: its regions, the whole photo last."""

    kind: str
    """How many concepts it shows, or which kind of outside photo it is."""
    truth: frozenset[str]
    categories: Sequence[str]
    boxes: Sequence[Box]
    plain: Vectors
    mirrored: Vectors
    wider: Vectors
    closer: Vectors
    closer_mirrored: Vectors
    alone: Vectors
    """Without what is behind them."""
    patches: Patches


@dataclass(frozen=True)
class Known:
    """A concept by its views."""

    name: str
    category: str
    plain: Vectors
    mirrored: Vectors
    alone: Vectors
    patches: Patches


class Looked(NamedTuple):
    """An offline bench, looked at."""

    known: Sequence[Known]
    """The concepts that the photos show."""
    crowd: Sequence[Known]
    """Those that fill a memory of `CROWDED`."""
    photos: Sequence[Seen]
    stranger_distance: float
    """Of the shipped embedder."""


def require_validation(folder: Path) -> None:
    """See that ideas are not chosen by test identities.

    Raises:
        InvalidInput: The folder is no offline bench of validation identities.
    """
    if whose(folder) != "validation":
        raise InvalidInput(
            f"folder: {folder} is no bench of validation identities, by which alone ideas are "
            f"chosen; python -m evaluation.bench {folder} --identities validation makes one",
            reason="BENCH_OF_OTHERS",
            field="folder",
        )


async def looked_at(folder: Path) -> Looked:
    """Concepts and photos, as the shipped models see them.

    Raises:
        InvalidInput: The folder is no offline bench of validation identities.
    """
    require_validation(folder)
    found = [datasets.read(folder / name) for name in SPLITS]
    profile = Profile.load("pocket")
    reading = closing(PatchEmbedder(profile.embedder, profile.device))
    with tempfile.TemporaryDirectory() as memory, reading as patches:
        async with parts_of(LocalSettings(memory=Path(memory))) as parts:
            eyes = _Eyes(parts.stages, patches)
            own = memories.own(found)
            further = datasets.read(folder / DISTRACTORS).concepts
            concepts = memories.of_size(CROWDED, own, (), further).concepts
            known = [await _learned(eyes, one) for one in tqdm(concepts, desc="concepts")]
            words = list(dict.fromkeys(one.category for one in known))
            look = partial(_look, eyes, words)
            photos = [await look(*one) for one in tqdm(_photos(folder, found), desc="photos")]
            count = len(own.concepts)
            return Looked(known[:count], known[count:], photos, parts.stages.stranger_distance)


def _photos(folder: Path, found: Sequence[Dataset]) -> list[tuple[Path, str, frozenset[str]]]:
    """Each photo, what kind it is, and who is there."""
    chance, photos = random.Random(0), []
    for dataset in found:
        for concept in dataset.concepts:
            own = [photo for photo in dataset.singles if photo.concepts == (concept.name,)]
            photos += chance.sample(own, min(len(own), _SINGLES))
        photos += dataset.multis
    shown = [(one.path, str(len(one.concepts)), frozenset(one.concepts)) for one in photos]
    for kind in (OUTSIDE, OUTSIDE_MULTI):
        shown += [(path, kind, frozenset[str]()) for path in sorted((folder / kind).glob("*.jpg"))]
    return shown


class _Eyes(NamedTuple):
    stages: Stages
    reading: PatchEmbedder

    async def vectors(self, crops: Sequence[Image.Image]) -> Vectors:
        return await self.stages.embedder.embed_images(crops)

    async def mirrored(self, crops: Sequence[Image.Image]) -> Vectors:
        return await self.vectors([ImageOps.mirror(crop) for crop in crops])

    async def alone(self, crops: Sequence[Image.Image]) -> Vectors:
        return await self.vectors([alone(crop) for crop in crops])

    async def patches(self, crops: Sequence[Image.Image]) -> Patches:
        found = await self.reading.embed_images(crops)
        return found.reshape(len(crops), -1, found.shape[-1])


async def _learned(eyes: _Eyes, concept: Concept) -> Known:
    """A concept as `kith` remembers it."""
    photos = [Photo(_opened(path)) for path in concept.views]
    ready = await prepare(eyes.stages, photos, concept.category)
    return Known(
        concept.name,
        ready.category,
        np.stack([view.vector for view in ready.views]),
        await eyes.mirrored(ready.crops),
        await eyes.alone(ready.crops),
        await eyes.patches(ready.crops),
    )


async def _look(
    eyes: _Eyes, words: Sequence[str], path: Path, kind: str, truth: frozenset[str]
) -> Seen:
    photo = _opened(path)
    found = without_doubles(await eyes.stages.detector.detect(photo, words))[:MAX_REGIONS]
    boxes = [*(one.box for one in found), whole(photo)]
    crops, wider, closer = [
        await cut_out(photo, [scaled(box, photo, factor) for box in boxes])
        for factor in (1.0, _WIDER, CLOSER)
    ]
    return Seen(
        kind,
        truth,
        [*(one.category for one in found), ""],
        boxes,
        plain=await eyes.vectors(crops),
        mirrored=await eyes.mirrored(crops),
        wider=await eyes.vectors(wider),
        closer=await eyes.vectors(closer),
        closer_mirrored=await eyes.mirrored(closer),
        alone=await eyes.alone(crops),
        patches=await eyes.patches(crops),
    )


def _opened(path: Path) -> Image.Image:
    with Image.open(path) as photo:
        return photo.convert("RGB")
