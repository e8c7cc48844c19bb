from pathlib import Path
from typing import Any

import pytest

from evaluation.datasets import read
from evaluation.manifest import Question
from tests.evaluation.making import pictures, refusal, write, write_lines

SEEDS = """
bo: {category: pet, noun: dog, licence: CC0-1.0}
mika: {category: pet, noun: dog, licence: CC0-1.0, alike: bo}
mug: {category: object, noun: cup, licence: CC0-1.0}
"""


def row(file: str, *concepts: str, **more: object) -> dict[str, Any]:
    boxes = [{"concept": name, "planned_box": [0, 0, 1, 1], "box": []} for name in concepts]
    return {
        "file_name": file,
        "source": "playroom",
        "concepts": list(concepts),
        "subjects": boxes,
        "questions": [],
    } | more


def asked(text: str, answer: str, kind: str) -> dict[str, str]:
    return {"question": text, "answer": answer, "kind": kind}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "small"
    write(made / "seeds" / "concepts.yaml", SEEDS)
    for name in ("bo", "mika", "mug"):
        pictures(made / "seeds" / name / "train", "10.jpg", "02.jpg", "01.jpg")
    pictures(made, "test/0001.jpg", "test/0002.jpg", "multi/0001.jpg")
    box = {"concept": "bo", "planned_box": [0, 0, 1, 1], "box": [0.1, 0.2, 0.3, 0.4]}
    questions = [
        asked("What color is <bo>?", "red", "color"),
        asked("Where is <bo>?", "on the left", "position"),
        asked("Can you see <bo> in this photo?", "Yes", "presence"),
        asked("How many dogs are in this photo?", "1", "count"),
    ]
    more = [
        asked("What color is <bo>?", "red", "color"),
        asked("What color is <mug>?", "tan", "color"),
    ]
    write_lines(made / "test" / "metadata.jsonl", [
        row("0001.jpg", "bo", subjects=[box], questions=questions),
        row("0002.jpg", "mika"),
    ])  # fmt: skip
    write_lines(made / "multi" / "metadata.jsonl", [row("0001.jpg", "bo", "mug", questions=more)])
    return made


def test_views_photos_and_boxes_are_read(folder: Path) -> None:
    dataset = read(folder)
    assert dataset.name == "small"
    bo, mika, mug = dataset.concepts
    assert [path.name for path in bo.views] == ["01.jpg", "02.jpg", "10.jpg"]
    assert (bo.category, mug.category) == ("dog", "cup")
    assert (bo.alike, mika.alike, mug.alike) == ({"mika"}, {"bo"}, set())
    assert [photo.id for photo in dataset.photos] == [
        "test/0001.jpg",
        "test/0002.jpg",
        "multi/0001.jpg",
    ]
    assert dataset.photos[0].boxes == {"bo": (0.1, 0.2, 0.3, 0.4)}
    assert dataset.photos[2].boxes == {}, "a planned box is not where a subject came out"
    assert dataset.multis[0].concepts == ("bo", "mug")
    assert dataset.multis[0].path == folder / "multi" / "0001.jpg"
    assert {photo.source for photo in dataset.photos} == {"playroom"}


def test_questions_get_options_of_their_kind(folder: Path) -> None:
    first, _, multi = read(folder).photos
    options = {question.text: question for question in first.questions if question.about_photo}
    assert set(options) == {"What color is <bo>?"}, "one answer alone leaves nothing to choose from"
    color = options["What color is <bo>?"]
    assert sorted(color.options) == ["red", "tan"]
    assert (color.answer, color.concepts) == ("red", ("bo",))
    assert [question.answer for question in multi.questions if question.about_photo] == [
        "red",
        "tan",
    ]
    assert read(folder).dropped == {"questions after position that have all one answer": 1}


def test_what_lasts_is_asked_once_without_the_photo(folder: Path) -> None:
    unseen = [
        question.text
        for photo in read(folder).photos
        for question in photo.questions
        if not question.about_photo
    ]
    assert unseen == ["What color is <bo>?", "What color is <mug>?"]


def test_the_same_folder_gives_the_same_options(folder: Path) -> None:
    def told() -> list[Question]:
        return [question for photo in read(folder).photos for question in photo.questions]

    assert told() == told()


def test_older_folders_without_look_alikes_are_read(folder: Path) -> None:
    write(folder / "seeds" / "concepts.yaml", SEEDS.replace(", alike: bo", ""))
    assert not any(concept.alike for concept in read(folder).concepts)


def test_a_dataset_that_is_not_finished_is_refused(folder: Path) -> None:
    for part in ("test", "multi"):
        (folder / part / "metadata.jsonl").unlink()
    assert "no metadata.jsonl; run kith datagen make" in refusal(folder)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row("../0001.jpg", "bo")], "line 1.file_name: '../0001.jpg' leads out of the dataset"),
        ([row("/etc/0001.jpg", "bo")], "leads out of the dataset"),
        (
            [row("1.jpg", "bo"), row("2.jpg", "bo", concepts="bo")],
            "line 2.concepts: 'bo' is no list",
        ),
        ([row("1.jpg", "bo", source=None)], "line 1.source: None is no text"),
        (
            [row("1.jpg", "bo", subjects=[{"concept": "bo", "box": [1, 2]}])],
            "subjects[0].box: [1, 2]",
        ),
        ([row("1.jpg", "bo", questions=[{"question": "Who?"}])], "questions[0].answer: None"),
    ],
)
def test_a_line_that_does_not_fit_is_named(
    folder: Path, rows: list[dict[str, Any]], said: str
) -> None:
    write_lines(folder / "test" / "metadata.jsonl", rows)
    assert said in refusal(folder)


def test_a_broken_line_is_named(folder: Path) -> None:
    write(folder / "test" / "metadata.jsonl", '{"file_name": "1.jpg"\n')
    assert "metadata.jsonl line 1: is no JSON" in refusal(folder)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        ("bo: [", "can't be read"),
        ("- bo", "is no object"),
        ("bo: dog", "concepts.yaml: bo: 'dog' is no object"),
        ("bo: {licence: none}", "concepts.yaml: bo: None is no text"),
        ("../bo: {category: pet}", "'../bo' leads out of the dataset"),
        ("bo: {category: pet, alike: [mia]}", "concepts.yaml: bo.alike: ['mia'] is no text"),
    ],
)
def test_seeds_that_do_not_fit_are_named(folder: Path, seeds: str, said: str) -> None:
    write(folder / "seeds" / "concepts.yaml", seeds)
    assert said in refusal(folder)
