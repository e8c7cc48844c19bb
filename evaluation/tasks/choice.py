"""Which photos are asked about: chance orders them once, and limits take the first."""

from collections.abc import Iterable, Sequence

from evaluation.contents import fingerprint
from evaluation.manifest import Dataset, Photo

MOST_OUTSIDE = 50
"""Outside photos of a kind that every concept is asked for (thesis, 4.2.2)."""


def some(photos: Sequence[Photo], most: int | None, seed: int) -> list[Photo]:
    """At most so many of these, chosen by chance, in the order in which they come."""
    if most is None or most >= len(photos):
        return list(photos)
    chosen = set(sorted(range(len(photos)), key=lambda n: fingerprint([seed, photos[n].id]))[:most])
    return [photo for number, photo in enumerate(photos) if number in chosen]


def singles(dataset: Dataset, each: int | None, seed: int) -> list[Photo]:
    """At most so many photos of one concept for each concept."""
    by_concept: dict[str, list[Photo]] = {concept.name: [] for concept in dataset.concepts}
    for photo in dataset.singles:
        by_concept[photo.concepts[0]].append(photo)
    return [one for photos in by_concept.values() for one in some(photos, each, seed)]


def photos_each(dataset: Dataset, queries: int | None) -> int | None:
    """T, the photos of each concept that every concept is asked for, so that C·T·C is at most that.

    At least 1; None for all there are.
    """
    return None if queries is None else max(1, queries // max(1, len(dataset.concepts)) ** 2)


def outside_each(dataset: Dataset, queries: int | None) -> int:
    """Outside photos of a kind that every concept is asked for: a quarter of `queries` at most."""
    if queries is None:
        return MOST_OUTSIDE
    return min(MOST_OUTSIDE, max(1, queries // (4 * max(1, len(dataset.concepts)))))


def restricted(dataset: Dataset, names: Iterable[str]) -> Dataset:
    """A dataset of these concepts alone, with the photos that show no others."""
    kept = set(names)
    return Dataset(
        dataset.name,
        tuple(concept for concept in dataset.concepts if concept.name in kept),
        tuple(photo for photo in dataset.photos if kept.issuperset(photo.concepts)),
        dataset.outside,
        dataset.outside_multi,
    )
