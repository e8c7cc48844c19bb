"""`yollava-s` and `yollava-m`: Yo'LLaVA (Nguyen et al., NeurIPS 2024; thesis 2.1.2).

A concept is a name token and k = 16 soft tokens, told to the model in the user's turn, after the
photo: `<sks> is <token1>...<token16>.` Trained are their embedding rows and their rows of the
output matrix, on four kinds of conversation: the concept's pictures, hard and soft negatives, and
questions about its looks without a picture. S answers about one concept at a time; M puts the
separately trained tokens of all asked concepts into one prompt, under names of their own.

Where this leaves the published code:

- The tokens' rows are parameters beside the model's matrices; the code trains the whole matrices
  and copies all other rows back after each step. The numbers are the same.
- Exactly the answer's tokens are learned; the code's window begins one or two tokens earlier, by a
  slip in counting.
- Step and start scale with the size of the model's own embedding rows (`Recipe.scaled`).
- The best epoch is looked for from the first on (the code: from the sixth), since a small model has
  often learned what it can by then; and training ends after three epochs in which neither the
  training pictures are recognised better nor the loss falls, to spare minutes on two cores.
- Which epoch is best is told by whether the model would rather answer yes than no (P(yes) > 0.5),
  and so is recognition: the code writes an answer, takes "Yes" and "No" and leaves out all others.
  One look at a photo in place of a whole answer; and no picture is left out.
- A step is of as many conversations as the profile's `training_batch` says (the code: 1; `full`: 1;
  `pocket`: 8, where a step of one costs almost as much on two cores).
- Negatives come from the request or from a folder of the operator's (`pool`): half the nearest to
  the views, half at random. The code finds the nearest ones in LAION, by a service on the web that
  is gone, and takes the others from CC12M; a service learns from what its operator has.
- About `POSITIVE_QUESTIONS` questions about the concept's pictures an epoch, however many pictures
  there are; the published example has 67 and 81.
"""

import random
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import torch
from PIL import Image, ImageOps
from torch import nn

from services.assistant.capabilities import Capabilities
from services.baselines.artefacts import Artefact, Header, Shapes
from services.baselines.base_model import BaseModel, Sample, Worn, chat
from services.baselines.conversations import recognition
from services.baselines.looks import told_looks
from services.baselines.material import Material, Subject
from services.baselines.methods.base import (
    RECOGNITION,
    Finding,
    Learned,
    Models,
    row_shapes,
    rows_of,
    training_capabilities,
)
from services.baselines.prefixes import Prefixes
from services.baselines.tokens import Rows, Slot
from services.baselines.training import PUBLISHED_SCALE, Lesson, Progress, Recipe, fit
from services.generation.llava_model import Messages
from services.generation.prompt import IMAGE, Rendered, text_in, with_text

SOFT_TOKENS: Final = 16
POSITIVE_QUESTIONS: Final = 100
_TESTED_AT_ONCE: Final = 16


@dataclass(frozen=True)
class YoLLaVA:
    """The method; see the module."""

    name: str = "yollava-s"
    concepts_at_once: int = 1
    """In one prompt; 0 for no limit but the slots."""
    recipe: Recipe = field(default_factory=lambda: Recipe(patience=3))

    soft_tokens = SOFT_TOKENS
    joint = False

    @property
    def capabilities(self) -> Capabilities:
        """See `Method.capabilities`."""
        return training_capabilities(
            self.name,
            positives_min=5,
            positives_max=10,
            negatives=200,
            max_concepts_at_once=self.concepts_at_once,
        )

    def shapes(self, base: BaseModel) -> Shapes:
        """See `Method.shapes`."""
        return row_shapes(base, SOFT_TOKENS)

    def train(
        self, models: Models, material: Material, folder: Path
    ) -> Generator[Progress, None, list[Artefact]]:
        """See `Method.train`: one subject after the other, none knows of the others."""
        artefacts = []
        for subject in material.subjects:
            artefacts.append(
                (yield from self._train_one(models.base, subject, material, folder / subject.id))
            )
        return artefacts

    def tell(self, models: Models, chat: Rendered, concepts: Sequence[Learned]) -> Rendered:
        """Puts the concepts' sentences before the first question, after its pictures."""
        told = "".join(f"{slot.sentence} " for slot in models.base.slots[: len(concepts)])
        first = next(i for i, m in enumerate(chat.messages) if m["role"] == "user")
        messages = list(chat.messages)
        messages[first] = after_pictures(messages[first], told)
        return Rendered(messages, chat.images)

    def rows(self, concepts: Sequence[Learned]) -> Rows:
        """See `Method.rows`."""
        return rows_of(concepts)

    def recognize(
        self, models: Models, photo: Image.Image, concepts: Sequence[Learned]
    ) -> list[Finding]:
        """Asks the model for each concept; present is what it would rather answer yes to."""
        base, findings = models.base, []
        for one in concepts:
            with base.wearing(Worn(one.artefact.rows, (one.name,))):
                (score,) = base.certainty([asked(base.slots[0], photo)])
            findings.append(Finding(score > 0.5, score))
        return findings

    def _train_one(
        self, base: BaseModel, subject: Subject, material: Material, folder: Path
    ) -> Generator[Progress, None, Artefact]:
        recipe = self.recipe.scaled(base.scale, base.spec.training_batch)
        looks = yield from told_looks(base, [subject], recipe.epochs, folder)
        rows = fresh_rows(base, recipe.seed)
        slot = base.slots[0]
        worn = Worn(Rows(*rows.values()), (subject.name,))
        pictures, prefixes = Pictures(subject, material), Prefixes()

        def loss(samples: Sequence[Sample]) -> torch.Tensor:
            with base.wearing(worn):
                return base.loss(samples, prefixes)

        def score() -> float:
            with base.wearing(worn):
                return balanced_accuracy(base, slot, pictures, prefixes)

        lesson = Lesson(
            rows, lambda rng: samples(rng, slot, pictures, looks[subject.id]), loss, score
        )
        best = yield from fit(lesson, recipe, folder)
        header = Header(
            method=self.name,
            base=base.fingerprint,
            tokens=(f"<{subject.name}>", *(f"<token{i}>" for i in range(SOFT_TOKENS))),
            recipe=asdict(recipe),
            data=material.fingerprint,
        )
        return Artefact(header, best)


def asked(slot: Slot, photo: Image.Image) -> tuple[Messages, list[Image.Image]]:
    """The question whether a photo shows the concept in a slot."""
    question = f"{IMAGE}\n{slot.sentence} {RECOGNITION.format(slot.name)}"
    return chat(question), [photo]


def fresh_rows(base: BaseModel, seed: int) -> dict[str, nn.Parameter]:
    """Untrained rows of one concept, `read` and `written`, [17, d] each.

    Normal, as transformers makes new ones, and as large as the model's own words where those are
    larger.
    """
    torch.manual_seed(seed)
    width = base.own_embedding.shape[1]
    spread = max(PUBLISHED_SCALE, base.scale)
    return {
        "read": nn.Parameter(spread * torch.randn(SOFT_TOKENS + 1, width, device=base.device)),
        "written": nn.Parameter(
            PUBLISHED_SCALE * torch.randn(SOFT_TOKENS + 1, width, device=base.device)
        ),
    }


class Pictures:
    """The pictures of a concept's training, each beside its mirror image."""

    def __init__(self, subject: Subject, material: Material) -> None:
        self.positives = [_both(example.image) for example in subject.examples]
        self.negatives = [_both(image) for image in (*material.hard, *material.soft)]


def samples(
    rng: random.Random, slot: Slot, pictures: Pictures, looks: Sequence[tuple[str, str]]
) -> list[Sample]:
    """An epoch of the four kinds of conversation, shuffled; half of the pictures are mirrored."""
    each = -(-POSITIVE_QUESTIONS // len(pictures.positives))
    asked = [(both, True) for both in pictures.positives for _ in range(each)]
    asked += [(both, False) for both in pictures.negatives]
    drawn = []
    for both, present in asked:
        question, answer = recognition(rng, slot.name, present=present)
        opening = f"{IMAGE}\n{slot.sentence} {question}"
        drawn.append(Sample(chat(opening), (rng.choice(both),), answer))
    for question, answer in looks:
        told, wanted = (text.replace("{}", slot.name) for text in (question, answer))
        drawn.append(Sample(chat(f"{slot.sentence} {told}"), (), wanted))
    rng.shuffle(drawn)
    return drawn


def balanced_accuracy(
    base: BaseModel, slot: Slot, pictures: Pictures, prefixes: Prefixes | None = None
) -> float:
    """Of recognition on all training pictures: the mean of the accuracy on yes and on no."""
    shares = []
    for both, present in ((pictures.positives, True), (pictures.negatives, False)):
        scores = [score > 0.5 for score in _scores(base, slot, [b[0] for b in both], prefixes)]
        shares.append(scores.count(present) / len(scores))
    return sum(shares) / 2


def _scores(
    base: BaseModel, slot: Slot, photos: Sequence[Image.Image], prefixes: Prefixes | None
) -> list[float]:
    scores: list[float] = []
    for start in range(0, len(photos), _TESTED_AT_ONCE):
        chats = [asked(slot, photo) for photo in photos[start : start + _TESTED_AT_ONCE]]
        scores += base.certainty(chats, prefixes)
    return scores


def _both(image: Image.Image) -> tuple[Image.Image, Image.Image]:
    return image, ImageOps.mirror(image)


def after_pictures(message: Mapping[str, object], told: str) -> dict[str, object]:
    """A user's message with `told` between its pictures and its words."""
    text = text_in(message)
    end = text.rfind(IMAGE) + len(IMAGE) if IMAGE in text else 0
    end += text[end:].startswith("\n")
    return with_text(message, f"{text[:end]}{told}{text[end:]}")
