"""What the service needs of a method that trains."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from services.assistant.capabilities import Capabilities
from services.baselines.artefacts import Artefact, Shapes
from services.baselines.base_model import BaseModel
from services.baselines.material import Material
from services.baselines.tokens import Rows, joined
from services.baselines.training import Progress
from services.generation.prompt import Rendered

RECOGNITION = "Can you see {} in this photo? Answer the question using a single word Yes or No."
"""How a model is asked whether a photo shows a concept (thesis 4.2.2)."""

training_capabilities = partial(
    Capabilities, description=False, training=True, real_time_edit=False, retrieval=False
)
"""What methods that train can do, but for what is each one's own."""

Embed = Callable[[Sequence[Image.Image]], NDArray[np.float32]]
"""The embedder: RGB pictures to unit vectors, float32 [n, dim]. Blocks."""


@dataclass(frozen=True)
class Models:
    """The frozen models that a method works with. All belong to one thread."""

    base: BaseModel
    embed: Embed


class Learned(NamedTuple):
    """A trained concept, as a question sees it."""

    id: str
    name: str
    """What the user calls it now, without angle brackets."""
    artefact: Artefact


class Finding(NamedTuple):
    """Whether a photo shows a concept."""

    present: bool
    score: float
    """How certain it is that the photo shows it, 0 to 1."""
    box: tuple[float, float, float, float] | None = None
    """Where, in pixels; None when the method can't tell."""


class Method(Protocol):
    """How concepts are learned, and how a prompt tells the model of them.

    It has no state, but for settings. Everything runs on the thread that owns the models.
    """

    @property
    def name(self) -> str:
        """As `GetCapabilities` gives it."""

    @property
    def capabilities(self) -> Capabilities:
        """The method's row of Table 2.1."""

    @property
    def soft_tokens(self) -> int:
        """Learned tokens a concept, beside the one for its name."""

    @property
    def joint(self) -> bool:
        """Whether concepts that are trained together learn to be told apart."""

    def shapes(self, base: BaseModel) -> Shapes:
        """What an artefact must hold to be used with this base model."""

    def train(
        self, models: Models, material: Material, folder: Path
    ) -> Generator[Progress, None, list[Artefact]]:
        """Learns `material.subjects`; returns one artefact a subject, in their order.

        Yields after every short step, and wears nothing meanwhile: answers are written in between.
        Called again after a stop, with the same arguments, it goes
        on from the checkpoint in `folder`.
        """

    def tell(self, models: Models, chat: Rendered, concepts: Sequence[Learned]) -> Rendered:
        """A chat that tells the model of `concepts`, which stand in the slots in their order.

        Args:
            models: The models.
            chat: User text in it is neutralised already; concepts stand in it as the names of
                their slots.
            concepts: Those that the chat is about.
        """

    def rows(self, concepts: Sequence[Learned]) -> Rows:
        """The rows of the slots while `concepts` stand in them."""

    def recognize(
        self, models: Models, photo: Image.Image, concepts: Sequence[Learned]
    ) -> list[Finding]:
        """Whether `photo` shows each of `concepts`, each asked for on its own."""


def rows_of(concepts: Sequence[Learned]) -> Rows:
    """The rows of several concepts, one slot each."""
    return joined([concept.artefact.rows for concept in concepts])


def row_shapes(base: BaseModel, soft: int) -> Shapes:
    """Of the rows of a concept's tokens, `soft` of them beside its name."""
    width = base.own_embedding.shape[1]
    return {"read": (soft + 1, width), "written": (soft + 1, width)}
