"""MyVLM's concept heads: whether a photo shows a concept, by a linear layer on its CLIP vector.

As in the published code a head has two outputs and is trained for 500 steps by cross-entropy, on
batches of 16 in which concept and negatives are equally likely, with AdamW (weight decay 0.01,
gradient clipped at 0.1) whose step falls along a cosine to 5e-6; half of the pictures are mirrored,
all are turned by up to 30 degrees.

Where this leaves the published code:

- Training runs in coordinates in which the negatives have mean zero and mean square length one,
  with a first step of 1e-2 (published: 1e-3, on the vectors as they are). Vectors of one category
  point nearly the same way; the published step is made for 1,024 numbers a vector and leaves a head
  on the pocket CLIP's 256 under-fit: look-alikes pass. What comes out is still a linear layer on
  unit vectors.
- All positives train the head. The published code trains on four and only reports on the others:
  nothing is chosen by them.
- A picture is embedded in a few fixed mirrored and turned copies, rather than anew in every step.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows
from torch.nn.utils import clip_grad_norm_

THRESHOLD: Final = 0.5
"""Probability from which on a photo shows the concept."""

_MOST_DEGREES: Final = 30.0


@dataclass(frozen=True)
class HeadRecipe:
    """How a head is trained; see the module."""

    steps: int = 500
    batch: int = 16
    learning_rate: float = 1e-2
    last_learning_rate: float = 5e-6
    weight_decay: float = 1e-2
    clip: float = 0.1
    seed: int = 42


@dataclass(frozen=True)
class Head:
    """A linear layer on unit vectors."""

    weight: Tensor
    """[2, dim]; the second row speaks for the concept."""
    bias: Tensor
    """[2]."""

    def probabilities(self, vectors: NDArray[np.float32]) -> list[float]:
        """How likely pictures with these vectors, [n, dim], show the concept: n numbers, 0 to 1."""
        logits = F.linear(torch.from_numpy(vectors).to(self.weight), self.weight, self.bias)
        told: list[float] = logits.softmax(-1)[:, 1].tolist()
        return told


def copies(image: Image.Image, count: int, rng: random.Random) -> list[Image.Image]:
    """The picture, and `count` mirrored and turned ones; corners that turn in are black."""
    turned = []
    for _ in range(count):
        seen = ImageOps.mirror(image) if rng.random() < 0.5 else image
        degrees = rng.uniform(-_MOST_DEGREES, _MOST_DEGREES)
        turned.append(seen.rotate(degrees, Image.Resampling.BILINEAR))
    return [image, *turned]


def train_head(positives: Tensor, negatives: Tensor, recipe: HeadRecipe) -> Head:
    """Learns to tell one from the other. The same arguments give the same head.

    Args:
        positives: Unit vectors [n, c, dim] of c copies of n pictures, in any floating type.
        negatives: [m, c, dim] likewise.
        recipe: How.
    """
    middle = negatives.flatten(0, 1).mean(0)
    spread = (negatives - middle).square().sum(-1).mean().sqrt().clamp(min=1e-6)
    vectors = (torch.cat([positives, negatives]) - middle) / spread
    labels = torch.tensor([1] * len(positives) + [0] * len(negatives))
    head = torch.nn.Linear(vectors.shape[-1], 2, dtype=vectors.dtype)
    generator = torch.Generator().manual_seed(recipe.seed)
    torch.nn.init.uniform_(head.weight, -1, 1, generator=generator)
    with torch.no_grad():
        head.weight /= vectors.shape[-1] ** 0.5
        head.bias.zero_()
    optimizer = torch.optim.AdamW(
        head.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(
        optimizer, recipe.steps, recipe.last_learning_rate
    )
    for rows, which in zip(*draws(labels, vectors.shape[1], recipe), strict=True):
        optimizer.zero_grad()
        F.cross_entropy(head(vectors[rows, which]), labels[rows]).backward()
        clip_grad_norm_(head.parameters(), recipe.clip)
        optimizer.step()
        schedule.step()
    weight = head.weight.detach() / spread
    return Head(weight, head.bias.detach() - weight @ middle)


def draws(labels: Tensor, count: int, recipe: HeadRecipe) -> tuple[Tensor, Tensor]:
    """Which pictures each step sees, and which of their `count` copies: [steps, batch] twice.

    Each of the labels, 0 and 1, is drawn in half of the places, whatever their numbers.
    """
    generator = torch.Generator().manual_seed(recipe.seed + 1)
    weights = 1 / labels.bincount()[labels].double()
    shape = (recipe.steps, recipe.batch)
    rows = torch.multinomial(weights, recipe.steps * recipe.batch, True, generator=generator)
    return rows.view(shape), torch.randint(count, shape, generator=generator)


def parts(images: Sequence[Image.Image], size: int) -> list[Sequence[Image.Image]]:
    """Pictures in order, at most `size` at a time."""
    return [images[start : start + size] for start in range(0, len(images), size)]
