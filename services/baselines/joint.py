"""What MC-LLaVA's concepts learn together, and how they are asked for (thesis 2.1.3)."""

import random
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import Final

from PIL import Image, ImageOps

from services.baselines.base_model import BaseModel, Sample, chat
from services.baselines.conversations import recognition
from services.baselines.material import Material
from services.baselines.methods.base import RECOGNITION
from services.baselines.prefixes import Prefixes
from services.baselines.tokens import Slot
from services.baselines.training import batches
from services.baselines.wording import Wording
from services.generation.prompt import IMAGE

_Both = tuple[Image.Image, Image.Image]

POSITIVE_QUESTIONS: Final = 100
"""About each concept's own pictures, an epoch; about others in them as many, as nearly as all are
asked for equally often, but each once at least."""
TOGETHER: Final = 4
"""Questions about one picture that follow on each other, where a batch takes several."""
LOOKS_QUESTIONS: Final = 10
"""About each concept's looks, without a picture, an epoch."""
_TESTED_AT_ONCE: Final = 16


class Pictures:
    """The pictures of a joint training, each beside its mirror image.

    The same objects come in every epoch, so that `Prefixes` know them again.
    """

    def __init__(self, material: Material) -> None:
        self.own = [[_both(e.image) for e in subject.examples] for subject in material.subjects]
        """By subject."""
        self.others = [_both(image) for image in (*material.hard, *material.soft)]


def samples(
    rng: random.Random,
    wording: Wording,
    slots: Sequence[Slot],
    pictures: Pictures,
    looks: Sequence[Sequence[tuple[str, str]]],
    batch: int,
) -> list[Sample]:
    """An epoch's conversations, shuffled; half of the pictures are mirrored.

    What tells of the concepts is long, and is computed once for those about one picture in a batch.
    So up to `TOGETHER` questions about a picture follow on each other, and those about a concept's
    looks; such runs are shuffled.

    Args:
        rng: The same gives the same.
        wording: How the model is told of the subjects.
        slots: One a subject.
        pictures: Of the subjects, in this order, and of others.
        looks: Questions about each subject's looks, with answers; `{}` stands for it.
        batch: Conversations a step; with one, nothing follows on anything.
    """
    told = wording.told(slots)
    runs: list[list[Sample]] = []
    for both, asked in _by_picture(rng, slots, pictures):
        rng.shuffle(asked)
        for some in batches(asked, TOGETHER):
            picture = rng.choice(both)
            runs.append([])
            for slot, present in some:
                question, answer = recognition(rng, wording.name(slot), present=present)
                runs[-1].append(Sample(chat(f"{IMAGE}\n{told}{question}"), (picture,), answer))
    for slot, known in zip(slots, looks, strict=True):
        runs.append([])
        for pair in rng.sample(known, min(LOOKS_QUESTIONS, len(known))):
            question, answer = (text.replace("{}", wording.name(slot)) for text in pair)
            runs[-1].append(Sample(chat(f"{told}{question}"), (), answer))
    if batch == 1:
        runs = [[one] for run in runs for one in run]
    rng.shuffle(runs)
    return [one for run in runs for one in run]


def balanced_accuracy(
    base: BaseModel,
    wording: Wording,
    slots: Sequence[Slot],
    pictures: Pictures,
    prefixes: Prefixes | None = None,
) -> float:
    """Of recognition on the training pictures: the mean of the accuracy on yes and on no.

    Every concept is asked for in the pictures of all, and in its share of the other negatives.
    """
    owned = [(owner, both) for owner, own in zip(slots, pictures.own, strict=True) for both in own]
    asked = [(slot, both[0], slot is owner) for owner, both in owned for slot in slots]
    asked += [(s, both[0], False) for s, both in zip(cycle(slots), pictures.others, strict=False)]
    photos = [(wording.name(slot), photo) for slot, photo, _ in asked]
    scores = certainties(base, wording.told(slots), photos, prefixes)
    right = [(truth, (s > 0.5) == truth) for s, (_, _, truth) in zip(scores, asked, strict=True)]
    yes = [hit for truth, hit in right if truth]
    no = [hit for truth, hit in right if not truth] or [True]
    return (sum(yes) / len(yes) + sum(no) / len(no)) / 2


def certainties(
    base: BaseModel,
    told: str,
    asked: Sequence[tuple[str, Image.Image]],
    prefixes: Prefixes | None = None,
) -> list[float]:
    """How likely each photo shows the concept in its slot, 0 to 1.

    Args:
        base: The model, wearing the concepts.
        told: What it is told of them, before the question.
        asked: Concepts, as they are written, and photos.
        prefixes: What is known of the photos already.
    """
    chats = [(chat(f"{IMAGE}\n{told}{RECOGNITION.format(name)}"), [photo]) for name, photo in asked]
    scores: list[float] = []
    for start in range(0, len(chats), _TESTED_AT_ONCE):
        scores += base.certainty(chats[start : start + _TESTED_AT_ONCE], prefixes)
    return scores


def _by_picture(
    rng: random.Random, slots: Sequence[Slot], pictures: Pictures
) -> Iterator[tuple[_Both, list[tuple[Slot, bool]]]]:
    """Who is asked for in each picture, and whether it is there."""
    for owner, own in zip(slots, pictures.own, strict=True):
        times = -(-POSITIVE_QUESTIONS // len(own))
        others = [(slot, False) for slot in slots if slot is not owner]
        each = max(1, round(times / len(others))) if others else 0
        yield from ((both, [(owner, True)] * times + others * each) for both in own)
    yield from ((both, [(rng.choice(slots), False)]) for both in pictures.others)


def _both(image: Image.Image) -> _Both:
    return image, ImageOps.mirror(image)
