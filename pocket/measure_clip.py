"""How well the pocket CLIP tells identities apart: identification, and strangers.

A memory holds 40 concepts, at least half of them look-alikes of one another, one reference view
each. Queries are views cut from other pictures; strangers are identities that the memory does not
hold, half of them look-alikes of one it does.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from open_clip.model import CLIP

from pocket.bank import PORTRAITS, Bank
from pocket.clip import see
from pocket.clip_batches import as_float

MEMORY = 40


@dataclass(frozen=True)
class Distances:
    """L2 distances of unit vectors (0 to 2) to the nearest concept of a memory.

    known: [K] queries whose concept is remembered; right: [K] whether the nearest is that concept;
    strangers: [S] queries whose concept is not.
    """

    known: NDArray[np.float32]
    right: NDArray[np.bool_]
    strangers: NDArray[np.float32]

    @property
    def identification(self) -> float:
        """Share of known queries whose nearest concept is the right one (chance: 1/40)."""
        return float(self.right.mean())

    @property
    def auroc(self) -> float:
        """How well distance tells known from stranger (chance: 0.5)."""
        every = np.concatenate([self.known, self.strangers])
        ranks = every.argsort().argsort()[len(self.known) :]
        n, m = len(self.known), len(self.strangers)
        return float((ranks.sum() - m * (m - 1) / 2) / (n * m))

    def at(self, distance: float) -> tuple[float, float]:
        """(share of known queries named rightly, share of strangers given a name)."""
        named = float(((self.known <= distance) & self.right).mean())
        return named, float((self.strangers <= distance).mean())


@torch.inference_mode()
def vectors(clip: CLIP, views: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, 160, 160, 3] uint8 to unit vectors [n, 256]."""
    clip.eval()
    parts = [see(clip, as_float(views[i : i + 256]))[0] for i in range(0, len(views), 256)]
    return torch.cat(parts).float().numpy()


def measure(clip: CLIP, bank: Bank, memories: int = 12, seed: int = 0) -> Distances:
    """Distances over several random memories of 40 concepts."""
    references = vectors(clip, bank.portraits)
    sightings = vectors(clip, bank.crops)
    rng = np.random.default_rng(seed)
    known, right, strangers = [], [], []
    for _ in range(memories):
        held, outside = choose(bank, rng)
        table = references[[i * PORTRAITS + int(rng.integers(PORTRAITS)) for i in held]]
        for who in held:
            for row in bank.sightings[who][:4]:
                gaps = np.linalg.norm(table - sightings[row], axis=1)
                known.append(gaps.min())
                right.append(held[int(gaps.argmin())] == who)
        for who in outside:
            for row in bank.sightings[who][:4]:
                strangers.append(np.linalg.norm(table - sightings[row], axis=1).min())
    return Distances(np.array(known), np.array(right), np.array(strangers))


def choose(bank: Bank, rng: np.random.Generator) -> tuple[list[int], list[int]]:
    """40 concepts to hold (pairs of look-alikes) and 40 strangers (look-alikes among them)."""
    houses = [house for house in bank.families if len(house) >= 2]
    order = rng.permutation(len(houses))
    held = [i for h in order[: MEMORY // 2] for i in houses[h][:2]]
    near = [i for h in order[: MEMORY // 2] for i in houses[h][2:]][: MEMORY // 2]
    far = [i for h in order[MEMORY // 2 :] for i in houses[h]][: MEMORY - len(near)]
    return held, near + far
