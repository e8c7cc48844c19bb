from pathlib import Path

import pytest

from evaluation.check import problems
from evaluation.datasets import read
from evaluation.manifest import Question
from tests.evaluation.making import pictures, refusal, write

AWAY = "/workspace/data/MulBench/two_concept"


def pair(asked: str, answer: str) -> dict[str, str]:
    return {"Human": asked, "AI": answer}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "mcdataset"
    write(made / "scenarios.json", ["Bafan_Xue"])
    write(made / "concept_type.json", {"Bafan": "two_concept", "Xue": "two_concept"})
    home = made / "two_concept"
    for name in ("Bafan", "Xue"):
        pictures(home / "concept" / "train" / name, "0.png", "0_mask.png", "10.png", "9.png")
        pictures(home / "concept" / "test" / name, "0.png", "1.png")
    pictures(home / "multi" / "Bafan_Xue", "0.png", "1.png", "1_som.png", "2.png")
    return made


def test_concepts_singles_and_multis_are_read(folder: Path) -> None:
    dataset = read(folder)
    bafan, _ = dataset.concepts
    assert [path.name for path in bafan.views] == ["0.png", "9.png", "10.png"]
    assert [photo.id for photo in dataset.singles] == [
        f"two_concept/concept/test/{name}/{i}.png" for name in ("Bafan", "Xue") for i in (0, 1)
    ]
    assert [photo.id.rpartition("/")[2] for photo in dataset.multis] == ["0.png", "1.png", "2.png"]
    assert {photo.concepts for photo in dataset.multis} == {("Bafan", "Xue")}


def test_positions_tell_who_is_there(folder: Path) -> None:
    place = folder / "two_concept" / "multi" / "Bafan_Xue"
    write(place / "position.json", {
        f"{AWAY}/multi/Bafan_Xue/0.png": {"Bafan": "left", "Xue": None},
        f"{AWAY}/multi/Bafan_Xue/1.png": {"Bafan": None, "Xue": None},
    })  # fmt: skip
    dataset = read(folder)
    shown = {photo.path.name: photo.concepts for photo in dataset.photos if "multi" in photo.id}
    assert shown == {"0.png": ("Bafan",), "2.png": ("Bafan", "Xue")}
    assert [photo.path.name for photo in dataset.outside] == ["1.png"]


def test_training_files_may_be_listed(folder: Path) -> None:
    index = folder / "two_concept" / "concept" / "train" / "train.json"
    write(index, {"Bafan": [f"{AWAY}/concept/train/Bafan/9.png"]})
    bafan, xue = read(folder).concepts
    assert ([path.name for path in bafan.views], len(xue.views)) == (["9.png"], 3)


def test_a_scenario_that_is_listed_twice_is_a_problem(folder: Path) -> None:
    write(folder / "scenarios.json", ["Bafan_Xue", "Bafan_Xue"])
    place = folder / "two_concept" / "multi" / "Bafan_Xue"
    write(place / "choice.json", {"0.png": pair("Who runs? A. one B. two", "A")})
    assert "two_concept/multi/Bafan_Xue/0.png is asked 'Who runs?' 2 times" in problems(
        read(folder)
    )


def test_questions_are_taken_apart(folder: Path) -> None:
    single = folder / "two_concept" / "concept" / "test" / "Bafan"
    multi = folder / "two_concept" / "multi" / "Bafan_Xue"
    worn = pair("What has <Bafan> on? A. A hat B. Mr. C's coat", "B")
    write(single / "choice.json", {f"{AWAY}/concept/test/Bafan/1.png": worn})
    write(single / "qa.json", [{"question": "Is <sks> old?\n(A) yes\n(B) no", "answer": "A"}])
    write(multi / "choice.json", {f"{AWAY}/multi/Bafan_Xue/0.png": [
        pair("Who sits? A: <Bafan> B: <Xue> C: both", "C. both"),
        pair("Where are they?", "A"),
        pair("Who runs? A. one B. two", "D"),
    ]})  # fmt: skip
    write(multi / "vqa_position.json", {"0.png": [pair("Where is <Xue>? A. left B. right", "a")]})
    write(multi / "vqa.json", {"0.png": [pair("What is <Xue> at?", "her desk")] * 2})
    write(single / "vqa.json", {"1.png": pair("What has <Bafan> on?", "a hat")})
    dataset = read(folder)
    asked = [question for photo in dataset.photos for question in photo.questions]
    assert asked == [
        Question("Is <Bafan> old?", ("yes", "no"), "yes", ("Bafan",), False),
        Question(
            "What has <Bafan> on?", ("A hat", "Mr. C's coat"), "Mr. C's coat", ("Bafan",), True
        ),
        Question("Who sits?", ("<Bafan>", "<Xue>", "both"), "both", ("Bafan", "Xue"), True),
        Question("Where is <Xue>?", ("left", "right"), "left", ("Xue",), True),
    ]
    assert dataset.dropped == {
        "questions whose options or answer can't be read": 2,
        "questions of vqa.json, whose answers are free text": 3,
    }


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "scenarios.json").unlink()
    assert "scenarios.json: can't be read: No such file" in refusal(folder)


@pytest.mark.parametrize(
    ("file", "told", "said"),
    [
        ("scenarios.json", ["Bafan_Nobody"], "[0]: 'Bafan_Nobody' names 'Nobody'; tell of it in"),
        ("scenarios.json", ["Bafan"], "multi/Bafan is no folder; put the pictures there or take"),
        ("scenarios.json", "{", "scenarios.json: is no JSON"),
        ("concept_type.json", {"Bafan": "../away"}, "Bafan: '../away' leads out of the dataset"),
        ("concept_type.json", {"../x": "two_concept"}, "'../x' leads out of the dataset"),
        ("concept_type.json", {"Neo": "two_concept"}, "test/Neo is no folder"),
        (
            "two_concept/multi/Bafan_Xue/choice.json",
            {"0.png": [{}]},
            "0.png.Human: None is no text",
        ),
        (
            "two_concept/multi/Bafan_Xue/choice.json",
            {"..": [pair("Who? A. x B. y", "A")]},
            "leads out",
        ),
        ("two_concept/concept/train/train.json", {"Bafan": ["a/.."]}, "leads out of the dataset"),
    ],
)
def test_an_entry_that_does_not_fit_is_named(
    folder: Path, file: str, told: object, said: str
) -> None:
    write(folder / file, told)
    assert said in refusal(folder)
