"""The yes/no queries: as many as 4.2.2 says, whatever the numbers are."""

from collections import Counter
from pathlib import Path

import pytest

from evaluation import check
from evaluation.manifest import Concept, Dataset, Photo
from evaluation.samples import Sample, Task
from evaluation.tasks import recognition, retrieval
from evaluation.tasks.asking import Limits


def dataset(concepts: int, photos: int, settings: int, together: int, outside: int) -> Dataset:
    """C concepts with T photos each, M settings of m concepts with 2 photos each."""
    names = [f"c{n}" for n in range(concepts)]
    shown = [
        Photo(f"test/{name}-{n}.jpg", Path(f"{name}-{n}.jpg"), (name,))
        for name in names
        for n in range(photos)
    ]
    for setting in range(settings):
        several = tuple(names[(setting + n) % concepts] for n in range(together))
        shown += [
            Photo(f"multi/{setting}-{n}.jpg", Path(f"{setting}-{n}.jpg"), several) for n in range(2)
        ]

    def strangers(kind: str) -> tuple[Photo, ...]:
        return tuple(Photo(f"{kind}/{n}.jpg", Path(f"{kind}{n}"), ()) for n in range(outside))

    return Dataset(
        "made",
        tuple(Concept(name, "thing", (Path(f"{name}.jpg"),)) for name in names),
        tuple(shown),
        strangers("outside"),
        strangers("outside-multi"),
    )


def by_truth(samples: list[Sample]) -> Counter[tuple[str, bool]]:
    return Counter((one.setting, one.truth) for one in samples)


@pytest.mark.parametrize(
    ("concepts", "photos", "settings", "together", "outside"),
    [(5, 3, 4, 2, 60), (4, 2, 3, 3, 7), (3, 1, 0, 0, 50)],
)
def test_there_are_as_many_as_the_thesis_counts(
    concepts: int, photos: int, settings: int, together: int, outside: int
) -> None:
    made = dataset(concepts, photos, settings, together, outside)
    samples = recognition.samples(made, Limits(), seed=3)
    counted = by_truth(samples)
    each = min(50, outside)
    assert counted["single", True] == concepts * photos
    assert counted["single", False] == concepts * photos * (concepts - 1)
    assert counted["multi", True] == settings * 2 * (together + 1)
    assert counted["multi", False] == 0
    assert counted["outside", False] == counted["outside-multi", False] == each * concepts
    assert counted["outside", True] == counted["outside-multi", True] == 0
    assert sum(one.truth for one in samples) == check.positives(made)
    assert sum(not one.truth for one in samples) == check.negatives(made)
    assert len({one.id for one in samples}) == len(samples)


def test_a_limit_on_queries_lowers_the_photos_of_a_concept_and_keeps_the_rest() -> None:
    made = dataset(concepts=4, photos=5, settings=2, together=2, outside=50)
    limits = Limits(queries=40)  # T = 40 // 16, and 40 // 4 // 4 outside photos of a kind
    counted = by_truth(recognition.samples(made, limits, seed=0))
    assert counted["single", True] == 4 * 2
    assert counted["single", False] == 4 * 2 * 3
    assert counted["outside", False] == counted["outside-multi", False] == 2 * 4
    assert counted["multi", True] == 2 * 2 * 3


def test_there_is_a_photo_a_concept_however_few_queries_there_may_be() -> None:
    made = dataset(concepts=4, photos=5, settings=0, together=0, outside=50)
    counted = by_truth(recognition.samples(made, Limits(queries=1), seed=0))
    assert (counted["single", True], counted["outside", False]) == (4, 4)


def test_what_a_smaller_limit_asks_a_larger_one_asks_too() -> None:
    made = dataset(concepts=4, photos=5, settings=4, together=2, outside=20)

    def ids(queries: int, multis: int) -> set[str]:
        limits = Limits(queries=queries, multis=multis)
        return {one.id for one in recognition.samples(made, limits, seed=1)}

    assert ids(20, 2) < ids(40, 3) < ids(80, 8)


def test_the_seed_chooses_the_photos() -> None:
    made = dataset(concepts=4, photos=9, settings=0, together=0, outside=20)
    first, second = (
        [one.id for one in recognition.samples(made, Limits(queries=16), seed)] for seed in (0, 1)
    )
    assert first != second
    assert first == [one.id for one in recognition.samples(made, Limits(queries=16), 0)]


def test_the_question_is_the_thesis_own() -> None:
    made = dataset(concepts=3, photos=1, settings=1, together=3, outside=0)
    asked = {one.asked: one.question for one in recognition.samples(made, Limits(), seed=0)}
    end = "in this photo? Answer the question using a single word Yes or No."
    assert asked[("c0",)] == f"Can you see <c0> {end}"
    assert asked[("c0", "c1", "c2")] == f"Can you see <c0> <c1> <c2> {end}"


def test_retrieval_asks_the_same_without_words_a_photo_at_a_time() -> None:
    made = dataset(concepts=3, photos=2, settings=1, together=2, outside=4)
    words, found = recognition.samples(made, Limits(), 0), retrieval.samples(made, Limits(), 0)
    assert [(one.photo, one.asked, one.truth) for one in words] == [
        (one.photo, one.asked, one.truth) for one in found
    ]
    assert {one.task for one in found} == {Task.RETRIEVAL}
    assert not any(one.question for one in found)
    photos = {one.photo for one in found}
    assert len({retrieval.together(one) for one in found}) == len(photos)
