"""Memories of other sizes are parts of each other, and have photos together."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from evaluation import memories
from evaluation.datasets import read
from evaluation.manifest import Concept
from evaluation.tasks.choice import restricted
from kith.errors import InvalidInput
from tests.evaluation.stripes import write_further
from tests.evaluation.test_queries import dataset


def test_the_first_concepts_have_photos_of_several_of_them() -> None:
    made = dataset(concepts=30, photos=1, settings=10, together=3, outside=0)
    order = memories.in_order([made], seed=0)
    assert sorted(order) == sorted(one.name for one in made.concepts)
    few = restricted(made, order[:6])
    assert len(few.concepts) == 6
    assert len(few.multis) >= 4
    assert order == memories.in_order([made], seed=0)
    assert order != memories.in_order([made], seed=1)


def test_datasets_take_turns_and_a_second_one_of_the_same_concepts_adds_none() -> None:
    first = dataset(concepts=4, photos=1, settings=2, together=2, outside=0)
    second = replace(
        first, name="other", concepts=tuple(replace(c, name=f"d{c.name}") for c in first.concepts)
    )
    order = memories.in_order([first, replace(first, name="same"), second], seed=0)
    assert len(order) == 8
    assert {name[0] for name in order[:4]} == {"c", "d"}


def test_a_size_is_met_exactly(world: Path) -> None:
    own = memories.own([read(world)])
    further = read(write_further(world.parent)).concepts
    order = memories.in_order([read(world)], 0)
    sizes = {size: memories.of_size(size, own, order, further) for size in (1, 3, 5, 7, 11)}
    assert {size: len(one.concepts) for size, one in sizes.items()} == {n: n for n in sizes}
    names = [{one.name for one in memory.concepts} for memory in sizes.values()]
    assert all(smaller < larger for smaller, larger in pairwise(names))
    assert sizes[5].concepts == own.concepts
    with pytest.raises(InvalidInput, match=r"12 concepts need 7 beside .* there are 6"):
        memories.of_size(12, own, order, further)


def test_a_further_concept_of_a_name_that_is_taken_is_called_otherwise(world: Path) -> None:
    own = memories.own([read(world)])
    first, *others = read(write_further(world.parent)).concepts
    bo = replace(first, name="bo", description="<bo> is far.")
    taken = [bo, replace(bo, name="lina"), replace(bo, name="bo-2"), *others]
    order = memories.in_order([read(world)], 0)
    for size in (6, 8, 9):
        filled = memories.of_size(size, own, order, taken).concepts
        assert filled[:5] == own.concepts
        assert [one.name for one in filled[5:8]] == ["bo-3", "lina-2", "bo-2"][: size - 5]
        assert filled[5].description == "<bo-3> is far."
        assert filled[5].views == bo.views


def test_two_datasets_may_share_a_concept_and_not_a_name_alone(world: Path) -> None:
    found = read(world)
    same = replace(found, name="same")
    assert memories.own([found, same]).concepts == found.concepts
    view = found.by_name["lina"].views
    other = replace(found, name="other", concepts=(Concept("bo", "thing", view),))
    with pytest.raises(InvalidInput, match="'bo' is one thing in world and another in other"):
        memories.own([found, other])
    bare = replace(found, concepts=(Concept("bo", "thing", ()),))
    with pytest.raises(InvalidInput, match="world: 'bo' has no view"):
        memories.own([bare])


def test_a_fingerprint_is_of_all_that_is_remembered(world: Path) -> None:
    own = memories.own([read(world)])
    bo, *others = own.concepts
    prints = {
        own.fingerprint,
        replace(own, purpose="edits").fingerprint,
        replace(own, concepts=tuple(others)).fingerprint,
        replace(own, concepts=(replace(bo, description="new"), *others)).fingerprint,
        replace(own, concepts=(replace(bo, views=others[0].views), *others)).fingerprint,
    }
    assert len(prints) == 5
    assert own.fingerprint == memories.own([read(world)]).fingerprint
