"""Another concept in each one's place: one that is in none of its photos, nor looks like it."""

import random
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from evaluation.manifest import Concept, Photo


def deranged(concepts: Sequence[Concept], photos: Iterable[Photo], seed: int) -> list[Concept]:
    """All of them, at least two, in another order: each stands in the place of another.

    Nobody is in the place of who looks like them, or is in a photo with them or with their
    look-alikes: a question about such a photo could be answered rightly by the wrong views. Where
    there is no such order, as among three concepts that are all in one photo, as few as possible
    stand in for who looks like them, and then as few as possible for who is in a photo with them.

    Args:
        concepts: Whoever is remembered; look-alikes are as `alike` says, and theirs in turn.
        photos: All that are asked about.
        seed: Which of these orders.
    """
    place = {concept.name: number for number, concept in enumerate(concepts)}
    family = _families(concepts, place)
    met = _met(photos, place) @ family
    chance = random.Random(f"{seed} derangement")
    count = len(concepts)
    # Each is worth more than all below it together, and chance decides between equals.
    costs = np.array([[chance.random() for _ in concepts] for _ in concepts])
    costs += (count + 1) * met + (count + 1) ** 2 * family + (count + 1) ** 3 * np.eye(count)
    return [concepts[other] for other in linear_sum_assignment(costs)[1]]


def _families(concepts: Sequence[Concept], place: dict[str, int]) -> NDArray[np.bool_]:
    """[concepts, concepts], whether two are one, or look alike."""
    alike = np.eye(len(concepts))
    for number, concept in enumerate(concepts):
        for name in concept.alike & place.keys():
            alike[number, place[name]] = 1
    labels = connected_components(alike, directed=False)[1]
    same: NDArray[np.bool_] = labels[:, None] == labels[None, :]
    return same


def _met(photos: Iterable[Photo], place: dict[str, int]) -> NDArray[np.bool_]:
    """[concepts, concepts], whether two are in one photo."""
    met = np.zeros((len(place), len(place)), np.bool_)
    for photo in photos:
        shown = [place[name] for name in photo.concepts if name in place]
        met[np.ix_(shown, shown)] = len(shown) > 1
    return met
