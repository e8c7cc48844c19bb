from pathlib import Path
from typing import Any

import pytest

from evaluation.check import negatives, positives
from evaluation.datasets import read
from tests.evaluation.making import pictures, refusal, write

ABOVE = "benchmark_data/yollava-data/test"


def row(file: str, concept: str, kind: str, truth: object) -> dict[str, Any]:
    return {
        "image": f"{ABOVE}/{file}",
        "question": f"<image>\nIs <{concept}> in this image? Answer with a single word or phrase.",
        "concept": concept,
        "type": kind,
        "correct_answer": truth,
    }


def question(answer: str = "A", **options: str) -> dict[str, Any]:
    told = options or {"A": "Cat", "B": "Dog"}
    return {"question": "What animal does sks resemble?", "options": told, "correct_answer": answer}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two concepts and three photos, each asked for both, as in the published file."""
    made = tmp_path / "eval"
    files = {"bo/4.png": "bo", "bo/7.png": "bo", "mug/0.png": "mug"}
    pictures(made / "yollava-data" / "test", *files)
    rows = []
    for file, owner in files.items():
        rows.append(row(file, owner, "positive", True))
        rows += [row(file, name, "negative", name == owner) for name in ("bo", "mug")]
    write(made / "recognition_test.json", rows)
    return made


def add_database(folder: Path, **bo: object) -> None:
    pictures(folder / "example_database", "bo.png", "mug.png")
    entries: dict[str, dict[str, object]] = {
        f"<{name}>": {
            "name": name,
            "image": f"example_database/{name}.png",
            "info": f"<{name}> is ...",
            "category": "thing",
        }
        for name in ("bo", "mug")
    }
    entries["<bo>"] |= bo
    write(folder / "example_database" / "database.json", {"concept_dict": entries})


def test_who_is_in_which_photo_is_read(folder: Path) -> None:
    dataset = read(folder)
    assert [(photo.id, photo.concepts) for photo in dataset.photos] == [
        ("yollava-data/test/bo/4.png", ("bo",)),
        ("yollava-data/test/bo/7.png", ("bo",)),
        ("yollava-data/test/mug/0.png", ("mug",)),
    ]
    assert (positives(dataset), negatives(dataset)) == (3, 3), "the file's own, without the faulty"


def test_rows_that_repeat_others_are_dropped_and_counted(folder: Path) -> None:
    assert read(folder).dropped == {"rows of recognition_test.json that repeat another": 3}


def test_a_photo_of_which_little_is_told_is_no_strangers(folder: Path) -> None:
    pictures(folder / "yollava-data" / "test", "cat.png", "tree.png")
    rows = [
        {"image": f"yollava-data/test/{image}.png", "concept": name, "correct_answer": False}
        for image, name in (("cat", "bo"), ("tree", "bo"), ("tree", "mug"))
    ]
    write(folder / "more.json", rows)
    dataset = read(folder)
    assert [photo.id for photo in dataset.outside] == ["yollava-data/test/tree.png"]
    assert dataset.dropped["photos of which only some are told not to be there"] == 1


def test_what_other_files_say_too_is_no_row_that_repeats_another(folder: Path) -> None:
    write(folder / "captions.json", {"yollava-data/test/bo/4.png": ["<bo>"]})
    write(folder / "a-visual-qa.json", {"bo": {"yollava-data/test/bo/7.png": question("B")}})
    assert read(folder).dropped == {"rows of recognition_test.json that repeat another": 3}


def test_a_database_gives_views(folder: Path) -> None:
    add_database(folder)
    bo, _ = read(folder).concepts
    assert bo.views == (folder / "example_database" / "bo.png",)
    assert (bo.name, bo.category, bo.description) == ("bo", "thing", "<bo> is ...")


def test_what_a_database_leaves_empty_is_empty(folder: Path) -> None:
    add_database(folder, category=None, info="")
    assert (read(folder).concepts[0].category, read(folder).concepts[0].description) == ("", "")


def test_without_a_database_concepts_have_no_views(folder: Path) -> None:
    assert [(one.name, one.views) for one in read(folder).concepts] == [("bo", ()), ("mug", ())]


def test_captions_tell_who_is_to_be_named(folder: Path) -> None:
    pictures(folder / "yollava-data" / "test", "both.png")
    write(folder / "captions.json", {"./yollava-data/test/both.png": ["<bo>", "<mug>"]})
    (multi,) = read(folder).multis
    assert (multi.id, multi.concepts) == ("yollava-data/test/both.png", ("bo", "mug"))


def test_questions_meet_their_photos(folder: Path) -> None:
    visual = {"bo": {"./yollava-data/test/bo/7.png": question("B")}}
    write(folder / "yollava-visual-qa.json", visual)
    write(folder / "yollava-text-only-qa.json", {"mug": {"0": question("A")}})
    asked = {photo.id[-9:]: photo.questions for photo in read(folder).photos if photo.questions}
    assert [(name, one.answer, one.about_photo) for name, (one,) in asked.items()] == [
        ("bo/7.png".rjust(9, "/"), "Dog", True),
        ("mug/0.png", "Cat", False),
    ]


def test_a_photo_of_nobody_is_outside(folder: Path) -> None:
    pictures(folder / "yollava-data" / "test", "x/0.png")
    write(folder / "recognition_test.json", [row("x/0.png", "bo", "negative", False)])
    assert [photo.id for photo in read(folder).outside] == ["yollava-data/test/x/0.png"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "more.json: is no JSON"),
        ([3], "more.json[0]: 3 is no object"),
        ({"a.png": "bo"}, "more.json: a.png: 'bo' is no object"),
        ({"a.png": [3]}, "more.json: a.png[0]: 3 is no text"),
        ({"../a.png": ["<bo>"]}, "more.json: ../a.png: '../a.png' leads out of the dataset"),
        ([row("bo/4.png", "bo", "positive", "yes")], "[0].correct_answer: 'yes' is not true or"),
        ([row("bo/4.png", "bo", "negative", False)], "shows 'bo' is told both ways; correct one"),
        ({"cat": {"0": question("A")}}, "questions ask for 'cat'; add a file with its photos"),
        (
            {"bo": {"0": question() | {"correct_answer": ["A"]}}},
            "['A'] is no option; give one of A",
        ),
        ({"bo": {"0": question("C")}}, "bo.0.correct_answer: 'C' is no option; give one of A, B"),
    ],
)
def test_an_entry_that_does_not_fit_is_named(folder: Path, told: object, said: str) -> None:
    write(folder / "more.json", told)
    assert said in refusal(folder)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"image": "../bo.png"}, "concept_dict.<bo>.image: '../bo.png' leads out of the dataset"),
        ({"image": None}, "concept_dict.<bo>.image: None is no text"),
        ({"category": 5}, "concept_dict.<bo>.category: 5 is no text; correct it, or leave it out"),
        ({"info": {"a": 1}}, "concept_dict.<bo>.info: {'a': 1} is no text"),
    ],
)
def test_a_database_entry_that_does_not_fit_is_named(
    folder: Path, entry: dict[str, object], said: str
) -> None:
    add_database(folder, **entry)
    assert said in refusal(folder)
