"""Batches for the CLIP recipe: scenes, views of who is in them, and look-alikes to tell apart."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from pocket.bank import GRID, PORTRAITS, Bank

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True)
class Batch:
    """S scenes and V views. Images are float32 in [0, 1], [n, 3, 160, 160]."""

    scenes: Tensor
    owners: Tensor
    """[S, 64] identity number that covers each patch, -1 for the backdrop"""
    captions: list[str]
    views: Tensor
    who: Tensor
    """[V] identity number of each view"""
    family: Tensor
    """[V] family number of each view: look-alikes share it"""
    descriptions: list[str]
    """[V] what each view shows, in words"""


class Sampler:
    """Draws batches from a bank: two other views of those in the scenes, each beside a look-alike.

    With no scene in a batch they are of anybody. Without the look-alikes a batch is told apart by
    category and colour, and pattern and build are never learned.
    """

    def __init__(self, bank: Bank, scenes: int, views: int, seed: int) -> None:
        self.bank, self.scenes, self.views = bank, scenes, views
        self.rng = np.random.default_rng([seed, 23])
        self.family_of = {i: k for k, house in enumerate(bank.families) for i in house}
        order = np.argsort(bank.scene_of, kind="stable")
        bounds = np.searchsorted(bank.scene_of[order], np.arange(len(bank.images) + 1))
        self.things_in = [order[a:b] for a, b in pairwise(bounds)]

    def draw(self) -> Batch:
        """The next batch."""
        bank = self.bank
        picked = np.sort(self.rng.choice(len(bank.images), self.scenes, replace=False))
        seen = dict.fromkeys(int(bank.who[t]) for s in picked for t in self.things_in[s])
        wanted = list(seen) or [int(i) for i in self.rng.permutation(len(bank.concepts))]
        wanted = wanted[: self.views]
        self.rng.shuffle(wanted)
        pairs = [j for i in wanted for j in (i, self.look_alike(i))]
        ids = list(dict.fromkeys(pairs))[: self.views // 2]
        views, who = [], []
        for i in ids:
            views += [self.portrait(i), self.sighting(i)]
            who += [i, i]
        return Batch(
            scenes=as_float(bank.images[picked]),
            owners=self.owners(picked),
            captions=[bank.texts[s] for s in picked],
            views=as_float(np.stack(views)),
            who=torch.tensor(who),
            family=torch.tensor([self.family_of[i] for i in who]),
            descriptions=[f"a photo of {bank.concepts[i].describe()}" for i in who],
        )

    def look_alike(self, identity: int) -> int:
        """Another member of the family, or the identity itself where it is alone."""
        others = [j for j in self.bank.families[self.family_of[identity]] if j != identity]
        return others[int(self.rng.integers(len(others)))] if others else identity

    def portrait(self, identity: int) -> NDArray[np.uint8]:
        """One of the reference views of an identity, [160, 160, 3]."""
        return np.asarray(self.bank.portraits[identity * PORTRAITS + self.rng.integers(PORTRAITS)])

    def sighting(self, identity: int) -> NDArray[np.uint8]:
        """A view cut from one of the scenes that show an identity, [160, 160, 3]."""
        rows = self.bank.sightings[identity]
        if not len(rows):
            return self.portrait(identity)
        return np.asarray(self.bank.crops[rows[self.rng.integers(len(rows))]])

    def owners(self, scenes: NDArray[np.int64]) -> Tensor:
        """[S, 64] identity number that covers each patch, -1 for the backdrop."""
        numbers = np.full((len(scenes), GRID, GRID), -1, np.int64)
        for row, scene in enumerate(scenes):
            for thing in self.things_in[scene]:
                numbers[row][self.bank.grids[scene] == self.bank.order_of[thing]] = self.bank.who[
                    thing
                ]
        return torch.from_numpy(numbers.reshape(len(scenes), GRID * GRID))


def as_float(images: NDArray[np.uint8]) -> Tensor:
    """[n, h, w, 3] uint8 to [n, 3, h, w] float32 in [0, 1]."""
    return torch.from_numpy(np.array(images)).permute(0, 3, 1, 2).float() / 255


def normalize(images: Tensor) -> Tensor:
    """To the mean and spread that published CLIP models expect."""
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    return (images - mean.to(images)) / std.to(images)


def photometric(images: Tensor, generator: torch.Generator) -> Tensor:
    """Light, contrast, tint and noise: what may change between two photos of one thing."""

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        unit = torch.rand(len(images), channels, 1, 1, generator=generator)
        return low + (high - low) * unit

    middle = images.mean((1, 2, 3), keepdim=True)
    lit = (images - middle) * draw(0.8, 1.25) + middle * draw(0.8, 1.2)
    tinted = lit * draw(0.94, 1.06, 3)
    grain = torch.randn(images.shape, generator=generator) * draw(0.0, 0.03)
    return (tinted + grain).clamp(0, 1)


def reframe(images: Tensor, generator: torch.Generator) -> Tensor:
    """A small turn, shift and stretch, sometimes a coarser picture: a found box is never exact."""
    n = len(images)

    def draw(spread: float) -> Tensor:
        return (torch.rand(n, generator=generator) * 2 - 1) * spread

    angle, sx, sy = draw(0.12), 1 + draw(0.1), 1 + draw(0.1)
    theta = torch.stack(
        [
            torch.stack([sx * angle.cos(), -angle.sin(), draw(0.08)], 1),
            torch.stack([angle.sin(), sy * angle.cos(), draw(0.08)], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    pixels = int(torch.randint(36, images.shape[-1], (1,), generator=generator))
    half = torch.rand(n, generator=generator) < 0.35
    if half.any():
        small = F.interpolate(moved[half], (pixels, pixels), mode="bilinear", antialias=True)
        moved[half] = F.interpolate(small, images.shape[-2:], mode="bilinear")
    return moved
