from pathlib import Path
from typing import Any

import pytest

from evaluation.check import problems
from evaluation.datasets import read
from evaluation.manifest import Question
from tests.evaluation.making import pictures, refusal, write


def question(text: str, **more: object) -> dict[str, Any]:
    options = {"A": "A lake", "B": "A street"}
    return {"question": text, "options": options, "correct_answer": "B"} | more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "yollava-data"
    pictures(made / "train", "bo/0.png", "bo/2.png", "bo/10.png", "cat-cup/0.png")
    pictures(made / "test", "bo/0.png", "bo/1.png", "cat-cup/0.png")
    write(made / "train" / "bo" / "scores.json", [])
    pictures(made / "train" / "bo" / "negative_example", "9.png")
    return made


def test_folders_are_concepts(folder: Path) -> None:
    dataset = read(folder)
    assert [concept.name for concept in dataset.concepts] == ["bo", "cat-cup"]
    assert [path.name for path in dataset.concepts[0].views] == ["0.png", "2.png", "10.png"]
    assert [(photo.id, photo.concepts) for photo in dataset.photos] == [
        ("test/bo/0.png", ("bo",)),
        ("test/bo/1.png", ("bo",)),
        ("test/cat-cup/0.png", ("cat-cup",)),
    ]
    assert {photo.source for photo in dataset.photos} == {"real"}


def test_questions_of_both_files_are_put_to_photos(folder: Path) -> None:
    visual = {"bo": {"./yollava-data/test/bo/1.png": question("What is behind <sks>?")}}
    write(folder / "yollava-visual-qa.json", visual)
    text_only = {"cat-cup": {"0": {
        "question": "Is sks's handle pink?",
        "option": {"A": "Yes", "B": "No"},
        "correct_answer": "A",
    }}}  # fmt: skip
    write(folder / "yollava-text-only-qa.json", text_only)
    asked = {photo.id: photo.questions for photo in read(folder).photos}
    assert asked == {
        "test/bo/0.png": (),
        "test/bo/1.png": (
            Question("What is behind <bo>?", ("A lake", "A street"), "A street", ("bo",), True),
        ),
        "test/cat-cup/0.png": (
            Question("Is <cat-cup>'s handle pink?", ("Yes", "No"), "Yes", ("cat-cup",), False),
        ),
    }


def test_options_that_are_the_same_are_dropped_and_counted(folder: Path) -> None:
    entry = question("What is behind sks?", options={"A": "A lake", "B": "A lake"})
    write(folder / "yollava-visual-qa.json", {"bo": {"test/bo/1.png": entry}})
    dataset = read(folder)
    assert not any(photo.questions for photo in dataset.photos)
    assert dataset.dropped == {
        "questions in yollava-visual-qa.json that have no two different options": 1
    }


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("{", "yollava-visual-qa.json: is no JSON"),
        ([], "yollava-visual-qa.json: [] is no object"),
        (
            {"bo": {"1.png": question("What?", correct_answer="C")}},
            "'C' is no option; give one of A",
        ),
        ({"bo": {"1.png": question("What?", options=None)}}, "bo.1.png.options: None is no object"),
        ({"bo": {"1.png": question("  ")}}, "bo.1.png.question: '  ' is no text"),
        ({"../bo": {"1.png": question("What?")}}, "leads out of the dataset"),
    ],
)
def test_a_question_that_does_not_fit_is_named(folder: Path, told: object, said: str) -> None:
    write(folder / "yollava-visual-qa.json", told)
    assert said in refusal(folder)


def test_a_concept_without_views_is_told_by_the_check(folder: Path) -> None:
    pictures(folder / "test", "thao/0.png")
    assert "concept 'thao' has no view by which it could be remembered" in problems(read(folder))


def test_a_folder_without_concepts_is_refused(tmp_path: Path) -> None:
    for part in ("train", "test"):
        (tmp_path / part).mkdir()
    assert "holds no folder of a concept; put train/NAME/0.png there" in refusal(tmp_path)
