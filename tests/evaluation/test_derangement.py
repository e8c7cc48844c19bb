"""Whose views a concept is remembered by when references are shuffled."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path

import pytest

from evaluation.derangement import deranged
from evaluation.manifest import Concept, Photo


def concept(name: str, *alike: str) -> Concept:
    return Concept(name, "thing", (Path(f"{name}.png"),), alike=frozenset(alike))


def photo(*names: str) -> Photo:
    return Photo("-".join(names), Path("it.png"), names)


def by_name(concepts: list[Concept], photos: list[Photo], seed: int) -> dict[str, str]:
    others = deranged(concepts, photos, seed)
    return {one.name: other.name for one, other in zip(concepts, others, strict=True)}


@pytest.mark.parametrize("count", [2, 3, 10, 81])
def test_nobody_keeps_their_own_place(count: int) -> None:
    concepts = [concept(f"c{number}") for number in range(count)]
    moved = by_name(concepts, [], seed=4)
    assert sorted(moved.values()) == sorted(moved)
    assert all(one != other for one, other in moved.items())
    assert moved == by_name(concepts, [], seed=4)
    assert count < 10 or moved != by_name(concepts, [], seed=5)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_stands_in_for_who_is_in_their_photos_or_looks_like_them(seed: int) -> None:
    """Twelve concepts, each with a twin that only it or its twin names; three are together."""
    names = [f"c{number}" for number in range(12)]
    concepts = [concept(name, f"{name}-twin") for name in names]
    concepts += [concept(f"{name}-twin") for name in names]
    photos = [photo(*names[start : start + 3]) for start in range(0, 12, 3)]
    for one, other in by_name(concepts, photos, seed).items():
        looks = other.removesuffix("-twin")
        assert looks != one.removesuffix("-twin")
        assert not any({one, looks} <= set(shown.concepts) for shown in photos)


def test_a_look_alike_of_a_look_alike_is_of_the_family() -> None:
    concepts = [concept("a", "b"), concept("b", "c"), *map(concept, "cxyz")]
    for seed in range(10):
        moved = by_name(concepts, [], seed)
        assert not {moved[name] for name in "abc"} & set("abc")


def test_where_it_can_not_be_as_few_as_possible_are_spoilt() -> None:
    concepts = [concept("bo", "mika"), concept("mika", "bo"), *map(concept, ("lina", "tor", "ada"))]
    photos = [photo("bo", "lina"), photo("lina", "tor"), photo("bo", "tor", "ada")]
    twins = {"bo": "mika", "mika": "bo"}

    def spoilt(order: Sequence[Concept]) -> tuple[int, int]:
        pairs = [(one.name, other.name) for one, other in zip(concepts, order, strict=True)]
        met = [
            any(
                {one, twin} <= set(shown.concepts)
                for shown in photos
                for twin in (other, twins.get(other, ""))
            )
            for one, other in pairs
        ]
        return sum(twins.get(one) == other for one, other in pairs), sum(met)

    orders = [
        order
        for order in permutations(concepts)
        if all(one is not other for one, other in zip(concepts, order, strict=True))
    ]
    least = min(map(spoilt, orders))
    assert least[0] == 0 < least[1]
    for seed in range(10):
        assert spoilt(deranged(concepts, photos, seed)) == least
