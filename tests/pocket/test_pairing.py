"""The ways to decide that were measured and left out: the tables tell of what they should."""

import itertools

import numpy as np
import pytest

from pocket.pairing import by_category, paired, without_parts
from services.assistant.methods.deciding import Candidate


def row(**distances: float) -> dict[str, Candidate]:
    return {name: Candidate(name, f"view of {name}", d, False) for name, d in distances.items()}


def test_a_concept_of_another_category_is_further_away() -> None:
    near = row(tea=0.40, bo=0.42)
    found = by_category(near, "dog", {"bo": "dog", "tea": "teapot"}, 0.05)
    assert list(found) == ["bo", "tea"]
    assert found["tea"].distance == pytest.approx(0.45)
    assert by_category(near, "", {}, 0.05) == near  # the whole photo has no category


@pytest.mark.parametrize("seed", range(20))
def test_no_other_pairing_lies_further_below_the_stranger_distance(seed: int) -> None:
    rng = np.random.default_rng(seed)
    regions, ids = int(rng.integers(1, 5)), "abcd"[: int(rng.integers(1, 5))]
    distances = rng.uniform(0, 1, (regions, len(ids)))
    rows = [row(**dict(zip(ids, map(float, d), strict=True))) for d in distances]

    def worth(pairs: dict[int, str]) -> float:
        return sum(0.5 - rows[r][name].distance for r, name in pairs.items())

    best = max(
        worth({r: n for r, n in enumerate(order) if n in rows[r]})
        for order in itertools.permutations([*ids, *("-" * regions)], regions)
    )
    kept = {number: found.concept_id for number, found in paired(rows, 0.5).items()}
    assert len(set(kept.values())) == len(kept)
    assert worth(kept) == pytest.approx(best)


def test_a_part_of_a_thing_is_not_its_look_alike() -> None:
    dog, shirt, other = (0, 0, 40, 40), (10, 10, 30, 30), (50, 0, 90, 40)
    rows = [row(bo=0.2, rex=0.4), row(bo=0.3, rex=0.35)]
    assert without_parts(rows, [dog, shirt]) == [rows[0], {}]
    assert without_parts(rows, [dog, other]) == rows
    assert without_parts(rows, [dog, (0, 15, 40, 55)]) == rows  # less than half of both
