"""What the baselines are measured by: worlds without end, and figures that add up."""

from pocket.baseline_exam import Marks, World
from pocket.measure_baselines import ranged


def answered(own: list[bool], others: list[bool], strangers: list[bool]) -> float:
    marks = Marks()
    for whose, told in (("own", own), ("others", others), ("strangers", strangers)):
        for one in told:
            marks.add(whose, told=one)
    return marks.balanced


def test_yes_to_all_and_yes_by_chance_are_a_half_and_yes_to_strangers_costs() -> None:
    assert answered([True] * 3, [True] * 6, [True] * 3) == 0.5
    assert answered([True, False], [True, False], [True, False]) == 0.5
    assert answered([True], [False] * 2, [False]) == 1.0
    assert answered([False], [False] * 2, [True]) == 0.5 - 1 / 6


def test_figures_are_told_with_the_least_and_the_most() -> None:
    assert ranged([0.4, 0.5, 0.6]) == "0.500 (0.400 to 0.600)"


def test_another_seed_is_another_ten_of_the_same_kinship() -> None:
    first, second = World(0), World(1)
    assert [len(w.concepts) for w in (first, second)] == [10, 10]
    assert first.concepts != second.concepts
    for world in (first, second):
        kinds = [concept.category for concept in world.concepts]
        assert [kinds.count(kind) for kind in dict.fromkeys(kinds)] == [3, 3, 2, 2]
