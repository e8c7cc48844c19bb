from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.check import OUTSIDE, counts, fewer, negatives, positives, problems
from evaluation.manifest import Box, Concept, Dataset, Photo, Question
from tests.evaluation.making import picture

NOWHERE = Path("nowhere.jpg")


def photo(folder: Path, id: str, *concepts: str, boxes: dict[str, Box] | None = None) -> Photo:
    return Photo(id, picture(folder / id), concepts, boxes or {})


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Nothing is wrong with it."""
    return Dataset(
        "small",
        (
            Concept("bo", "dog", (picture(tmp_path / "bo.png"), picture(tmp_path / "bo2.png"))),
            Concept("mug", "cup", (picture(tmp_path / "mug.png"),), alike=frozenset({"bo"})),
        ),
        (
            photo(tmp_path, "test/bo.png", "bo", boxes={"bo": (0.0, 0.0, 0.5, 1.0)}),
            photo(tmp_path, "test/mug.png", "mug"),
            photo(tmp_path, "test/both.png", "bo", "mug"),
        ),
        (photo(tmp_path, "out/1.png"),),
        (photo(tmp_path, "out/2.png"),),
        {"why": 3},
    )


def with_(dataset: Dataset, **more: object) -> Dataset:
    return Dataset(**{**vars(dataset), **more})  # type: ignore[arg-type]


def test_all_is_counted(dataset: Dataset) -> None:
    asked = Question("Is it red?", ("Yes", "No"), "No", ("bo",), True)
    first, *rest = dataset.photos
    first = Photo(first.id, first.path, first.concepts, first.boxes, "real", (asked, asked))
    assert counts(with_(dataset, photos=(first, *rest))) == {
        "concepts": 2,
        "views": 3,
        "singles": 2,
        "multis": 1,
        "outside": 1,
        "outside_multi": 1,
        "questions": 2,
        "boxes": 1,
        "generated": 0,
        "dropped": 3,
        "positives": 2 + 3,
        "negatives": 2 * 1 + 2 * 2,
    }


@settings(deadline=None)
@given(
    concepts=st.integers(2, 9),
    images=st.integers(0, 9),
    settings=st.integers(0, 5),
    each=st.integers(0, 5),
    together=st.integers(2, 4),
    outside=st.integers(0, 2 * OUTSIDE),
    outside_multi=st.integers(0, OUTSIDE),
)
def test_the_queries_are_those_of_the_formulas(
    concepts: int,
    images: int,
    settings: int,
    each: int,
    together: int,
    outside: int,
    outside_multi: int,
) -> None:
    names = [str(number) for number in range(concepts)]
    together = min(together, concepts)
    singles = [Photo(f"{n} {i}", NOWHERE, (n,)) for n in names for i in range(images)]
    cast = tuple(names[:together])
    multis = [Photo(f"m{s} {i}", NOWHERE, cast) for s in range(settings) for i in range(each)]
    made = Dataset(
        "made",
        tuple(Concept(name, "", (NOWHERE,)) for name in names),
        (*singles, *multis),
        tuple(Photo(f"o{i}", NOWHERE, ()) for i in range(outside)),
        tuple(Photo(f"p{i}", NOWHERE, ()) for i in range(outside_multi)),
    )
    assert positives(made) == concepts * images + settings * each * (together + 1)
    of_others = concepts * images * (concepts - 1)
    of_strangers = min(50, outside) * concepts + min(50, outside_multi) * concepts
    assert negatives(made) == of_others + of_strangers


def test_nothing_is_wrong_with_a_good_one(dataset: Dataset) -> None:
    assert problems(dataset) == []


def test_missing_and_broken_pictures_are_told(dataset: Dataset) -> None:
    dataset.concepts[0].views[0].unlink()
    dataset.photos[0].path.write_bytes(b"no picture")
    whole = dataset.photos[1].path.read_bytes()
    dataset.photos[1].path.write_bytes(whole[:-30])
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 2\n"
    dataset.outside[0].path.write_bytes(pointer)
    told = [problem.rpartition("/")[2] for problem in problems(dataset)]
    assert told == [
        "bo.png: can't be read: No such file or directory",
        "bo.png: can't be read: it is no whole JPEG, PNG or WebP picture",
        "mug.png: can't be read: it is no whole JPEG, PNG or WebP picture",
        "1.png: is a pointer of Git LFS, no picture; fetch it with git lfs pull",
    ]


def test_a_photo_that_is_a_view_or_another_photo_is_told(dataset: Dataset) -> None:
    view = dataset.concepts[0].views[0]
    dataset.photos[0].path.write_bytes(view.read_bytes())
    dataset.outside[0].path.write_bytes(dataset.photos[2].path.read_bytes())
    assert problems(dataset) == [
        f"{dataset.photos[0].path}: is the same picture as the view {view}",
        f"{dataset.outside[0].path}: is the same picture as {dataset.photos[2].path}",
    ]


def test_concepts_that_do_not_fit_are_told(dataset: Dataset) -> None:
    bo, mug = dataset.concepts
    lonely = Concept("kai", "dog", (), alike=frozenset({"nobody"}))
    assert problems(with_(dataset, concepts=(bo, mug, lonely, lonely))) == [
        "concept 'kai' is there 2 times",
        *2 * [
            "concept 'kai' has no view by which it could be remembered",
            "concept 'kai' is in no photo",
            "concept 'kai' is said to look like 'nobody', which is no concept",
        ],
    ]  # fmt: skip


def test_photos_that_do_not_fit_are_told(dataset: Dataset, tmp_path: Path) -> None:
    boxes: dict[str, Box] = {"bo": (0.5, 0.0, 0.5, 1.0), "mug": (0.0, 0.0, 1.0, 1.0)}
    odd = photo(tmp_path, "odd.png", "bo", "nobody", boxes=boxes)
    assert problems(with_(dataset, photos=(*dataset.photos, odd))) == [
        "odd.png shows 'nobody', which is no concept",
        "odd.png has the box (0.5, 0.0, 0.5, 1.0) for 'bo', which is empty or outside of it",
        "odd.png has a box for 'mug', which it does not show",
    ]
    again = (*dataset.photos, dataset.photos[0])
    assert problems(with_(dataset, photos=again)) == ["photo 'test/bo.png' is there 2 times"]


def test_a_question_that_is_asked_twice_is_told(dataset: Dataset) -> None:
    asked = Question("Is it red?", ("Yes", "No"), "No", ("bo",), True)
    unseen = replace(asked, about_photo=False)
    first, *rest = dataset.photos
    first = replace(first, questions=(asked, asked, unseen))
    assert problems(with_(dataset, photos=(first, *rest))) == [
        "test/bo.png is asked 'Is it red?' 2 times"
    ]


def test_a_dataset_without_a_concept_is_told() -> None:
    assert problems(Dataset("none", (), ()))[0] == "none: there is no concept"


def test_a_dataset_may_have_no_photo_of_several_concepts(dataset: Dataset) -> None:
    alone = with_(dataset, photos=dataset.singles)
    assert not any("several concepts" in one for one in problems(alone))
    assert fewer(alone)[0] == "no photo of several concepts: none is asked about"


def test_empty_splits_are_told(dataset: Dataset) -> None:
    assert problems(with_(dataset, photos=(), outside=(), outside_multi=())) == [
        "small: there is no photo of one concept",
        "small: there is no outside photo of one thing; name a folder of some",
        "small: there is no outside photo of several things; name a folder of some",
    ]
