"""Who the baselines are to know, what they are asked, and how the answers are counted."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image
from tqdm import tqdm

from datagen import playroom
from pocket.bank import PIXELS
from pocket.train import RUNS
from services.baselines.material import Example, Subject

FOLDER: Final = RUNS / "baselines"
POSITIVES: Final = 10
ASKED: Final = 12
"""Unseen pictures of each concept, and of strangers."""
POOL: Final = 800
NAMES: Final = ("bo", "mimi", "rex", "lulu", "tao", "kiki", "otto", "nene", "zaza", "fifi")


@dataclass(frozen=True)
class World:
    """Who is to be known, and what is seen of them.

    Args:
        seed: Another one is another ten; the figures are those of seed 0.
    """

    seed: int = 0

    @cached_property
    def concepts(self) -> list[playroom.Concept]:
        """Ten: three, three, two and two look-alikes of one another."""
        rng = np.random.default_rng([self.seed, 71])
        kinds = [kind for kind in playroom.CATEGORIES if playroom.GROUPS[kind] != "scene"]
        found: list[playroom.Concept] = []
        for family, kind in enumerate(rng.choice(kinds, 4, replace=False)):
            founder = playroom.sample_concept(self._seed(family), "test", str(kind))
            found.append(founder)
            for distance in (1, 2) if family < 2 else (1,):
                found.append(playroom.look_alike(founder, distance=distance, seed=family))
        return found

    def subject(self, number: int) -> Subject:
        """A concept's ten pictures: portraits, and scenes in which it is alone or beside others."""
        concept = self.concepts[number]
        pictures = []
        for i in range(POSITIVES):
            seed = self._seed(100, number, i)
            if i % 2:
                image = playroom.portrait(concept, seed=seed, size=192).image
                pictures.append(Image.fromarray(image))
            else:
                beside = [playroom.stranger(seed + k) for k in range(i // 2 % 2)]
                pictures.append(photo([concept, *beside], seed))
        examples = tuple(map(Example, pictures))
        return Subject(f"{self.seed}-{number}", NAMES[number], concept.category, examples)

    @cached_property
    def unseen(self) -> list[list[Image.Image]]:
        """``ASKED`` pictures of each concept, then as many of strangers."""
        own = [
            [photo([concept], self._seed(200, number, i)) for i in range(ASKED)]
            for number, concept in enumerate(self.concepts)
        ]
        strange = [self._seed(300, i) for i in range(ASKED)]
        return [*own, [photo([playroom.stranger(seed)], seed) for seed in strange]]

    def pool(self) -> Path:
        """A folder of pictures of training identities, half of the ten's categories."""
        folder = FOLDER / f"pool-{self.seed}"
        folder.mkdir(parents=True, exist_ok=True)
        kinds = [concept.category for concept in self.concepts]
        rng = np.random.default_rng([self.seed, 73])
        for i in tqdm(range(POOL), desc="pool"):
            kind = kinds[i // 2 % len(kinds)] if i % 2 else str(rng.choice(playroom.CATEGORIES))
            file = folder / f"{i:04d}.png"
            if not file.exists():
                seed = self._seed(400, i)
                photo([playroom.sample_concept(seed, "train", kind)], seed).save(file)
        return folder

    def _seed(self, *numbers: int) -> int:
        return int(np.random.SeedSequence([self.seed, *numbers]).generate_state(1)[0] >> 1)


def photo(concepts: list[playroom.Concept], seed: int) -> Image.Image:
    """A picture of these."""
    drawn = playroom.render(playroom.compose(concepts, seed=seed), size=PIXELS)
    return Image.fromarray(drawn.image)


class Marks:
    """Answers to the question whether a photo shows a concept, by whose photo it is."""

    def __init__(self) -> None:
        self._told: dict[str, list[bool]] = {"own": [], "others": [], "strangers": []}

    def add(self, whose: str, *, told: bool) -> None:
        """Takes note of an answer: in the concept's own photo, another's or a stranger's."""
        self._told[whose].append(told)

    def yes(self, *whose: str) -> float:
        """The share of yes in photos of these."""
        return float(np.mean([told for one in whose for told in self._told[one]]))

    @property
    def balanced(self) -> float:
        """The mean of what is right of those that should be yes, and of those that should be no."""
        return (self.yes("own") + 1 - self.yes("others", "strangers")) / 2
