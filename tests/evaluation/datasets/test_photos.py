from pathlib import Path
from typing import Any

import pytest

from evaluation.check import counts, problems
from evaluation.datasets import read
from tests.evaluation.making import pictures, refusal, write

SHARED = Path("../shared/data/photos")


def entry(**more: object) -> dict[str, Any]:
    return {
        "category": "dog",
        "description": "an old corgi",
        "train": ["bo/1.jpg"],
        "test": ["bo/2.jpg"],
        "multi": ["all.jpg"],
    } | more


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "photos"
    mug = entry(category="cup", train=["mug/1.jpg"], test=["mug/2.jpg"], alike=["bo"])
    write(made / "manifest.json", {
        "concepts": {"bo": entry(), "mug": mug},
        "files": [
            {"file": "bo/1.jpg", "role": "train"},
            {"file": "bo/2.jpg", "role": "test", "source": "playroom"},
            {"file": "all.jpg", "role": "multi"},
            {"file": "fork.jpg", "role": "negative"},
        ],
    })  # fmt: skip
    pictures(made, "bo/1.jpg", "bo/2.jpg", "mug/1.jpg", "mug/2.jpg", "all.jpg", "fork.jpg")
    return made


def test_a_manifest_is_read(folder: Path) -> None:
    dataset = read(folder)
    bo, mug = dataset.concepts
    assert (bo.category, bo.description, bo.views) == (
        "dog",
        "an old corgi",
        (folder / "bo/1.jpg",),
    )
    assert mug.alike == {"bo"}
    assert {photo.id: (photo.concepts, photo.source) for photo in dataset.photos} == {
        "bo/2.jpg": (("bo",), "playroom"),
        "all.jpg": (("bo", "mug"), "real"),
        "mug/2.jpg": (("mug",), "real"),
    }
    assert [photo.id for photo in dataset.outside] == ["fork.jpg"]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({}, "manifest.json: concepts: None is no object"),
        ({"concepts": {"bo": entry(train="x")}}, "concepts.bo: 'x' is no list"),
        ({"concepts": {"bo": entry(category="")}}, "concepts.bo.category: '' is no text"),
        ({"concepts": {"bo": entry(description=5)}}, "concepts.bo.description: 5 is no text"),
        ({"concepts": {"bo": entry(test=["../x.jpg"])}}, "'../x.jpg' leads out of the dataset"),
        ({"concepts": {"bo": entry(test=["bo/1.jpg"])}}, "bo/1.jpg is to be tested with too"),
        (
            {"concepts": {"bo": entry()}, "files": [{"file": "all.jpg", "role": "negative"}]},
            "files[0].role: 'negative', while concepts say otherwise",
        ),
        (
            {"concepts": {"bo": entry()}, "files": [{"file": "x.jpg", "role": "test"}]},
            "files[0].role: 'test', while concepts say otherwise",
        ),
    ],
)
def test_an_entry_that_does_not_fit_is_named(folder: Path, told: object, said: str) -> None:
    write(folder / "manifest.json", told)
    assert said in refusal(folder)


def test_real_photos_are_read() -> None:
    if not SHARED.is_dir():
        pytest.skip(f"{SHARED} is not here")
    dataset = read(SHARED)
    counted = counts(dataset)
    assert (counted["concepts"], counted["views"], counted["outside"]) == (27, 79, 25)
    assert counted["singles"] + counted["multis"] == 97
    assert problems(dataset) == [
        "photos: there is no outside photo of several things; name a folder of some"
    ]
