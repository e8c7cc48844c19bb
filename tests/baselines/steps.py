"""A method that learns nothing, as fast or as slowly as a test wants it."""

import threading
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from PIL import Image

from services.assistant.capabilities import Capabilities
from services.baselines.artefacts import Artefact, Header, Shapes
from services.baselines.base_model import BaseModel
from services.baselines.material import Material
from services.baselines.methods.base import Finding, Learned, Models, row_shapes, rows_of
from services.baselines.tokens import Rows
from services.baselines.training import Progress
from services.generation.prompt import Rendered


class Gate:
    """Lets steps through: all of them, or as many as are told of."""

    def __init__(self) -> None:
        self._left: float = float("inf")
        self.holds_one_up = False
        """Whether a step waits for it."""
        self._changed = threading.Condition()

    def let(self, steps: float) -> None:
        """Lets so many through from now on."""
        with self._changed:
            self._left = steps
            self._changed.notify_all()

    def clear(self) -> None:
        self.let(0)

    def set(self) -> None:
        self.let(float("inf"))

    def wait(self) -> None:
        with self._changed:
            self.holds_one_up = self._left <= 0
            self._changed.wait_for(lambda: self._left > 0, 30)
            self._left -= 1
            self.holds_one_up = False


@dataclass
class Steps:
    """Trains in four steps, two epochs; each epoch is noted in the folder, to go on from there."""

    joint: bool = False
    at_once: int = 2
    text_only_qa: bool = True
    captions: bool = False
    masks: bool = False
    positives_min: int = 1
    may_go: Gate = field(default_factory=Gate)
    trained: list[Material] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    told: list[Rendered] = field(default_factory=list)
    fails_with: Exception | None = None
    scores: dict[str, float] = field(default_factory=dict)
    """How certain photos show each concept, by its name, where that is not 0.75."""

    name = "yollava-s"
    soft_tokens = 1

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            self.name,
            positives_min=self.positives_min,
            positives_max=16,
            negatives=4,
            captions=self.captions,
            masks=self.masks,
            description=False,
            training=True,
            real_time_edit=False,
            text_only_qa=self.text_only_qa,
            retrieval=False,
            max_concepts_at_once=self.at_once,
        )

    def shapes(self, base: BaseModel) -> Shapes:
        return row_shapes(base, self.soft_tokens)

    def train(
        self, models: Models, material: Material, folder: Path
    ) -> Generator[Progress, None, list[Artefact]]:
        self.trained.append(material)
        folder.mkdir(parents=True, exist_ok=True)
        note = folder / "epochs"
        first = int(note.read_text(encoding="utf-8")) if note.exists() else 0
        for epoch in range(first, 2):
            for half in range(2):
                self.may_go.wait()
                if self.fails_with:
                    raise self.fails_with
                self.steps.append(2 * epoch + half)
                yield Progress(epoch, 2, (2 * epoch + half + 1) / 4, 1.0 / (epoch + 1))
            note.write_text(str(epoch + 1), encoding="utf-8")
        width = models.base.own_embedding.shape[1]
        rows = {name: torch.zeros(2, width) for name in ("read", "written")}
        return [
            Artefact(
                Header(self.name, models.base.fingerprint, (f"<{one.name}>",), {}, "data"), rows
            )
            for one in material.subjects
        ]

    def tell(self, models: Models, chat: Rendered, concepts: Sequence[Learned]) -> Rendered:
        self.told.append(chat)
        return chat

    def rows(self, concepts: Sequence[Learned]) -> Rows:
        return rows_of(concepts)

    def recognize(
        self, models: Models, photo: Image.Image, concepts: Sequence[Learned]
    ) -> list[Finding]:
        scores = [self.scores.get(one.name, 0.75) for one in concepts]
        return [Finding(score > 0.5, score, (1, 2, 3, 4)) for score in scores]
