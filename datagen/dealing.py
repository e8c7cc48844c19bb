"""Which concepts share a picture: no group twice before every one was there, all about as often."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, product

from datagen.chance import shuffled
from datagen.layout import Combination
from datagen.seeds import Concept

Group = tuple[Concept, ...]
"""The concepts of one picture, in the order of the combination's subjects."""


def by_category(concepts: Sequence[Concept]) -> dict[str, list[Concept]]:
    """The concepts of each category."""
    found: dict[str, list[Concept]] = {}
    for concept in concepts:
        found.setdefault(concept.category, []).append(concept)
    return found


def groups(combination: Combination, concepts: Mapping[str, Sequence[Concept]]) -> list[Group]:
    """Every group that fits; no concept twice in one, and no two that differ only in order."""
    wanted = [part.category for part in combination.subjects]
    kinds = list(dict.fromkeys(wanted))
    choices = product(*(combinations(concepts.get(kind, ()), wanted.count(kind)) for kind in kinds))
    return [_in_order(wanted, dict(zip(kinds, choice, strict=True))) for choice in choices]


def deal(available: Sequence[Group], used: Counter[str], *names: object) -> Iterator[Group]:
    """Groups without end, the least used first.

    Args:
        available: At least one.
        used: How often each concept was dealt; it is kept up.
        names: What chance hangs on.
    """
    times: Counter[int] = Counter()
    order = shuffled(range(len(available)), *names)
    while True:
        # Among equals, `min` takes the first in the shuffled order.
        place = min(order, key=lambda i: (times[i], sum(used[one.name] for one in available[i])))
        group = available[place]
        used.update(one.name for one in group)
        yield _turned(group, *names, place, times[place])
        times[place] += 1


def _in_order(wanted: Sequence[str], chosen: Mapping[str, Group]) -> Group:
    waiting = {kind: list(members) for kind, members in chosen.items()}
    return tuple(waiting[kind].pop(0) for kind in wanted)


def _turned(group: Group, *names: object) -> Group:
    """Those of one category in an order of chance, so that none stands always on the left."""
    wanted = [one.category for one in group]
    kinds = {kind: [one for one in group if one.category == kind] for kind in wanted}
    turned = {kind: tuple(shuffled(members, *names, kind)) for kind, members in kinds.items()}
    return _in_order(wanted, turned)
