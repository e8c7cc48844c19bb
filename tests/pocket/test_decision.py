"""Each idea of the decision is a switch: it reads what it is about, and changes who is found."""

from collections.abc import Sequence

import numpy as np
import pytest

from pocket import decision
from pocket.decision import Deciding, Idea, unit
from pocket.looking import Known, Seen, Vectors
from pocket.measure_decision import IDEAS

STRANGER = 0.58
DIM = 12
KINDS = ("dog", "cat", "cup")


def near(rng: np.random.Generator, who: Vectors, away: float) -> Vectors:
    """Vectors about others, apart by that much and more or less."""
    return unit(who + rng.normal(0, away / DIM**0.5, who.shape).astype(np.float32))


def concepts(rng: np.random.Generator) -> list[Known]:
    """Pairs of look-alikes, some of two kinds, of one view to five."""
    found = []
    for pair in range(12):
        look = unit(rng.normal(size=DIM).astype(np.float32))
        for twin in range(2):
            own = near(rng, look, 0.2)
            views = np.repeat(own[None], 1 + (pair + twin) % 5, 0)
            plain, mirrored, alone = (near(rng, views, 0.25) for _ in range(3))
            patches = near(rng, np.repeat(views[:, None], 4, 1), 0.4)
            kind = KINDS[(pair + twin * (pair % 2)) % 3]
            found.append(Known(f"{pair}-{twin}", kind, plain, mirrored, alone, patches))
    return found


def photos(rng: np.random.Generator, known: Sequence[Known]) -> list[Seen]:
    """Of one to three, look-alikes and strangers among them; of the first a part is found too."""
    found = []
    for _ in range(300):
        chosen = rng.choice(len(known), size=rng.integers(1, 4), replace=False)
        if rng.random() < 0.5:
            chosen[1:2] = chosen[0] ^ 1  # its look-alike
        things = [known[number] for number in chosen]
        looks = [one.plain[0] for one in things]
        looks[-1] = near(rng, looks[-1], rng.choice([0.2, 0.5, 0.8]))
        looks.insert(1, near(rng, looks[0], 0.25))  # the part
        looks.append(unit(np.sum(looks, 0)))  # the whole photo
        boxes = [(20.0 * n, 0.0, 20.0 * n + 19, 19.0) for n in range(len(looks))]
        boxes[1] = (2.0, 2.0, 12.0, 12.0)
        kinds = [*(one.category for one in things), ""]
        kinds.insert(1, str(rng.choice(KINDS)))
        regions = np.stack(looks)
        ways = [near(rng, regions, 0.3) for _ in range(6)]
        patches = near(rng, np.repeat(regions[:, None], 4, 1), 0.4)
        truth = frozenset(one.name for one in things)
        found.append(Seen(str(len(things)), truth, kinds, boxes, *ways, patches=patches))
    return found


@pytest.fixture(scope="module")
def world() -> tuple[list[Known], list[Seen]]:
    rng = np.random.default_rng(7)
    known = concepts(rng)
    return known, photos(rng, known)


def names(idea: Idea, world: tuple[list[Known], list[Seen]]) -> list[frozenset[str]]:
    known, seen = world
    deciding = Deciding(idea, known, STRANGER)
    return [deciding.names(one) for one in seen]


def test_all_ideas_decide_otherwise_and_no_two_alike(
    world: tuple[list[Known], list[Seen]],
) -> None:
    told = {name: tuple(names(idea, world)) for name, idea in IDEAS.items()}
    alike = [
        (one, other) for one in told for other in told if one < other and told[one] == told[other]
    ]
    assert alike == []


def test_who_is_no_further_than_a_view_that_was_rejected_is_not_found() -> None:
    plain = unit(np.array([[1, 0, 0], [0, 1, 0]], np.float32))
    known = [
        Known(name, "dog", plain[n : n + 1], *[plain[n : n + 1]] * 2, plain[None, n : n + 1])
        for n, name in enumerate(("bo", "mia"))
    ]
    between = unit(np.array([[1, 0.95, 0]], np.float32))
    seen = Seen(
        "1", frozenset(("bo",)), ["dog"], [(0, 0, 9, 9)], *[between] * 6, patches=between[:, None]
    )
    assert Deciding(Idea(), known, 1.0).names(seen) == {"bo"}
    assert Deciding(Idea(rejected=True), known, 1.0).names(seen) == {"bo"}
    nearer = decision._nearest_of_others([plain[:1], plain[1:]])
    assert nearer.tolist() == [plain[1].tolist(), plain[0].tolist()]


def test_distances_count_more_where_a_category_is_crowded() -> None:
    rng = np.random.default_rng(3)
    crowded = near(rng, np.repeat(np.eye(6, dtype=np.float32)[:1], 5, 0), 0.1)
    apart = np.eye(6, dtype=np.float32)[1:]
    known = [
        Known(f"{kind} {n}", kind, look[None], look[None], look[None], look[None, None])
        for kind, looks in (("dog", crowded), ("cup", apart))
        for n, look in enumerate(looks)
    ]
    factors = decision._by_kind(known, [one.plain for one in known])
    assert (factors[:5] > 1).all()
    assert (factors[5:] < 1).all()
    few = known[:2]
    assert decision._by_kind(few, [one.plain for one in few]).tolist() == [1, 1]
