"""What the pipeline needs of its stages, whether they run here or behind an address."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from services.runtime.types import Answer, Detection, Limits, Turn
from services.runtime.weights import fingerprint_of


class Detector(Protocol):
    """Finds regions of a photo that may hold a thing of given categories."""

    async def detect(self, image: Image, categories: Sequence[str]) -> list[Detection]:
        """Regions, the most certain first; empty `categories` ask for all it knows."""

    async def vocabulary(self) -> tuple[str, ...]:
        """Every category it can find; () when any word will do."""


class Embedder(Protocol):
    """Turns pictures into vectors: float32 [n, dim], each of unit length."""

    @property
    def name(self) -> str:
        """Identifies the vectors: those of two names are never compared."""

    @property
    def dim(self) -> int:
        """Components of a vector."""

    async def embed_images(self, images: Sequence[Image]) -> NDArray[np.float32]:
        """One row a picture."""

    async def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text."""


class Generator(Protocol):
    """Answers a chat of texts and pictures."""

    def generate(self, turns: Sequence[Turn], limits: Limits, cache_key: bytes = b"") -> Answer:
        """The answer in pieces, as they come. Closing it stops the model.

        What the engine keeps of prompts and pictures it uses again only under the same
        `cache_key`, a secret of the user; without one it keeps nothing that is found again.
        """


@dataclass(frozen=True)
class ModelCard:
    """Which model stands behind a stage."""

    stage: str
    name: str
    sha256: str = ""
    """Of its weights, where the profile names it."""
    weights: Path | None = None
    """A file, or a folder of safetensors, where the model runs in this process."""

    def fingerprint(self) -> str:
        """SHA-256 of its weights; empty when it is not known. Blocks."""
        return self.sha256 or (fingerprint_of(self.weights) if self.weights else "")


@dataclass(frozen=True)
class Stages:
    """The three models of a deployment, and how to read the embedder's distances."""

    detector: Detector
    embedder: Embedder
    generator: Generator
    stranger_distance: float
    """Distance of unit vectors (0 to 2) from which on a match is a stranger."""
    distance_scale: float
    """How fast certainty falls with distance: it goes from 0.5 to 0.27 over one scale."""
    models: tuple[ModelCard, ...] = ()

    def certainty(self, distance: float) -> float:
        """How certain a match of this distance is, 0 to 1; 0.5 at the stranger's distance."""
        steps = (distance - self.stranger_distance) / self.distance_scale
        return 1 / (1 + math.exp(min(steps, 500.0)))
