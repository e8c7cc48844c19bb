"""The memories that a run needs: the datasets' own concepts, a few of them, or many more."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count

from evaluation.manifest import Concept, Dataset
from evaluation.systems.system import Memory
from kith.errors import InvalidInput


def own(datasets: Sequence[Dataset]) -> Memory:
    """The concepts of all datasets in one memory; what two of them share is there once.

    Raises:
        InvalidInput: Two different concepts have one name, or a concept has no view.
    """
    known: dict[str, tuple[str, Concept]] = {}
    for dataset in datasets:
        for concept in dataset.concepts:
            if not concept.views:
                raise _wrong(
                    f"{dataset.name}: {concept.name!r} has no view to remember it by; add one",
                    "VIEWS_MISSING",
                )
            where, other = known.setdefault(concept.name, (dataset.name, concept))
            if _looks(other) != _looks(concept):
                raise _wrong(
                    f"{concept.name!r} is one thing in {where} and another in {dataset.name}; all "
                    "datasets of a run share one memory, so rename one, or measure them apart",
                    "NAME_TWICE",
                )
    return Memory(tuple(concept for _, concept in known.values()))


def of_size(size: int, memory: Memory, order: Sequence[str], further: Sequence[Concept]) -> Memory:
    """A memory of so many concepts.

    Args:
        size: How many.
        memory: The datasets' own.
        order: Names of these, of which a smaller memory has the first.
        further: Concepts that fill a larger one. One that has the name of another concept is given
            a new name.

    Raises:
        InvalidInput: There are too few further ones.
    """
    if size <= len(memory.concepts):
        return first(size, memory, order)
    missing = size - len(memory.concepts)
    if missing > len(further):
        raise _wrong(
            f"memory_sizes: {size} concepts need {missing} beside the datasets' own, and there are "
            f"{len(further)}; name a folder with more by --distractors, or a smaller memory",
            "DISTRACTORS_MISSING",
            "memory_sizes",
        )
    taken = {concept.name for concept in (*memory.concepts, *further)}
    own = {concept.name for concept in memory.concepts}
    filling = [_renamed(one, taken) if one.name in own else one for one in further]
    return Memory((*memory.concepts, *filling[:missing]))


def _renamed(concept: Concept, taken: set[str]) -> Concept:
    """A concept under the first name that is not taken, which it takes: bo-2, bo-3, ..."""
    name = next(new for n in count(2) if (new := f"{concept.name}-{n}") not in taken)
    taken.add(name)
    said = concept.description.replace(f"<{concept.name}>", f"<{name}>")
    return replace(concept, name=name, description=said)


def first(count: int, memory: Memory, order: Sequence[str], purpose: str = "") -> Memory:
    """The first concepts of an order, as they stand in a memory."""
    chosen = set(order[:count])
    return Memory(tuple(one for one in memory.concepts if one.name in chosen), purpose)


def groups(order: Sequence[str], size: int, most: int) -> list[list[str]]:
    """The names that an order has, so many in each group; those left over are in none.

    Fewer than that are one group; at most so many groups.
    """
    whole = max(1, len(order) // size)
    return [list(order[n * size : (n + 1) * size]) for n in range(min(whole, most))]


def with_own_concepts(datasets: Sequence[Dataset]) -> list[Dataset]:
    """Those that have a concept which none before them has."""
    known: set[str] = set()
    found = []
    for dataset in datasets:
        if not known.issuperset(dataset.by_name):
            found.append(dataset)
        known.update(dataset.by_name)
    return found


def in_order(datasets: Sequence[Dataset], seed: int) -> list[str]:
    """All concepts, the datasets taking turns, so that the first ones have photos together.

    A smaller memory is part of a larger one, and has photos of several of its concepts.
    """
    known: set[str] = set()
    queues = []
    for dataset in datasets:
        fresh = [one.name for one in dataset.concepts if one.name not in known]
        known.update(fresh)
        queues.append(_by_photos(dataset, fresh, random.Random(f"{seed} {dataset.name}")))
    order: list[str] = []
    while queues:
        for queue in list(queues):
            group = next(queue, None)
            if group is None:
                queues.remove(queue)
            else:
                order += group
    return order


def _by_photos(dataset: Dataset, names: list[str], chance: random.Random) -> Iterator[list[str]]:
    """Groups of names: of the photo that needs fewest new ones, again and again; then the rest."""
    left = list(names)
    chance.shuffle(left)
    photos = [set(photo.concepts) for photo in dataset.multis]
    photos = [shown for shown in photos if shown <= set(names)]
    chance.shuffle(photos)
    while photos:
        shown = min(photos, key=lambda shown: len(shown & set(left)))
        group = [name for name in left if name in shown]
        left = [name for name in left if name not in shown]
        yield group
        photos = [shown for shown in photos if shown & set(left)]
    yield from ([name] for name in left)


def _looks(concept: Concept) -> tuple[object, ...]:
    return Memory((concept,)).fingerprint, concept.category


def _wrong(what: str, reason: str, field: str = "data") -> InvalidInput:
    said = what if what.startswith(f"{field}:") else f"{field}: {what}"
    return InvalidInput(said, reason=reason, field=field)
