"""`kith datagen negatives` and `kith datagen masks`."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from kith.cli import main, material
from tests.datagen.drawn import Counting, drawn, save
from tests.datagen.small import commission, finish, small_layout, tree
from tests.datagen.tiny_sam import write_sam

SEEDS = "bo: {category: pet, noun: dog}\nmia: {category: person, noun: woman}\n"


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Takes the place of the profile's embedder."""
    made = Counting()

    @contextmanager
    def embedder_of(settings: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401
        assert settings.profile == "pocket"
        yield "mean colour", made.embed

    monkeypatch.setattr(material, "embedder_of", embedder_of)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number, name in enumerate(("bo", "mia")):
        save(drawn(number), tmp_path / "seeds" / name / "train" / "1.jpg")
    (tmp_path / "seeds" / "concepts.yaml").write_text(SEEDS, encoding="utf-8")
    for number in range(10, 15):
        save(drawn(number), tmp_path / "pool" / f"{number}.jpg")
        save(drawn(90 + number), tmp_path / "faces" / f"{number}.jpg")
    return tmp_path


def negatives(folder: Path, *further: str) -> list[str]:
    options = {"seeds": folder / "seeds", "pool": folder / "pool", "out": folder / "out"}
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    return ["datagen", "negatives", "--split", "yollava", *given, *further]


def test_negatives_of_every_concept_are_written_and_counted(
    folder: Path, counting: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    command = negatives(folder, "--faces", f"person={folder / 'faces'}")
    assert main(command) == 0
    out, err = capsys.readouterr()
    said = "Negatives: 5 to 10 for each of 2 concepts, of 10 pictures.\n"
    assert (out, err) == (said, "")
    counts = json.loads((folder / "out" / "counts.json").read_text(encoding="utf-8"))
    assert (counts["bo"]["kept"], counts["mia"]["kept"]) == (5, 10)
    lines = (folder / "out" / "mia" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["pool"] for line in lines} == {"pool", "faces"}
    embedded = counting.pictures
    assert main(["--json", *command]) == 0
    assert counting.pictures == embedded + 2  # the views; the pools are known
    assert json.loads(capsys.readouterr().out)["concepts"] == counts


def test_what_is_no_photo_among_the_seeds_is_counted(
    folder: Path, counting: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "seeds" / "bo" / "train" / "notes.txt").touch()
    assert main(negatives(folder)) == 0
    said = "of 5 pictures. Left out of the seeds, being no photos: 1 file (train/notes.txt).\n"
    assert capsys.readouterr().out.endswith(said)
    (folder / "seeds" / "mia" / "train" / ".DS_Store").touch()
    assert main(["--json", *negatives(folder)]) == 0
    left_out = json.loads(capsys.readouterr().out)["left_out"]
    assert [Path(path).name for path in left_out] == [".DS_Store", "notes.txt"]


@pytest.mark.parametrize("below", ["", "negatives"])
def test_nothing_is_written_into_the_folder_of_a_dataset(
    below: str, folder: Path, counting: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    dataset = folder / "out"
    finish(commission(dataset, limit=2))
    before = tree(dataset)
    for command in (
        negatives(folder, "--out", str(dataset / below)),
        ["datagen", "masks", "--dataset", str(dataset), "--out", str(dataset / below)],
    ):
        assert main(command) == 2
        said = (
            f"kith: out: {dataset / below} belongs to the dataset in {dataset}; name a folder apart"
        )
        assert capsys.readouterr().err.startswith(said)
    assert tree(dataset) == before
    assert main(negatives(folder, "--out", f"{dataset}-negatives")) == 0


def test_a_dataset_of_playroom_gets_its_exact_masks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_layout(tmp_path)
    finish(commission(tmp_path / "out", limit=3))
    command = ["datagen", "masks", "--dataset", str(tmp_path / "out"), "--out"]
    split = ["--split", str(tmp_path / "small.yaml")]
    assert main(["--json", *command, str(tmp_path / "masks"), *split]) == 0
    form = json.loads(capsys.readouterr().out)
    assert [one["picture"] for one in form["masks"] if not one["picture"].startswith("seeds/")] == [
        *("train/0001.jpg", "test/0001.jpg", "multi/0001.jpg", "multi/0001.jpg", "multi/0001.jpg")
    ]
    for one in form["masks"]:
        with Image.open(tmp_path / "masks" / one["mask"]) as mask:
            assert mask.size == (320, 320)
    assert main([*command, str(tmp_path / "masks"), *split]) == 0
    assert capsys.readouterr().out == "Masks: 15, exact, for 13 pictures.\n"
    assert main([*command, str(tmp_path / "other")]) == 2
    assert "split: there is no layout 'small'" in capsys.readouterr().err
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "annotations: is missing; name --annotations, --pictures and --sam, or a --dataset"),
        (["--annotations", "x", "--sam", "y"], "pictures: is missing; name --annotations, --pict"),
        (["--dataset", "x", "--sam", "y"], "sam: y is of no use: the masks of --dataset x are exa"),
        (["--split", "x"], "split: x is of no use: without --dataset there is no layout; leave"),
        (["--dataset", "x"], "dataset: x holds no dataset; name the folder of one, or make one"),
    ],
)
def test_masks_that_are_asked_for_wrongly_end_with_2_and_one_line(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["datagen", "masks", "--out", str(tmp_path / "masks"), *options]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"kith: {said}")
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (["--faces", "person"], "faces: 'person' is not CATEGORY=DIR"),
        (["--faces", "zork=x"], "faces: 'zork=x' is not CATEGORY=DIR"),
        (["--pool", "nowhere"], "pool: nowhere is no folder"),
        (["--seeds", "nowhere"], "seeds: nowhere is no folder"),
        (["--split", "msbench"], "category: 'pet' is unknown"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2_and_one_line(
    folder: Path,
    counting: Counting,
    further: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(negatives(folder, *further)) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (folder / "out").exists()


def test_masks_are_written_and_the_least_certain_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    box = {"name": "rect", "x": 10, "y": 12, "width": 50, "height": 38}
    entries = {}
    for number in (1, 2):
        name = f"{number}.jpg"
        save(drawn(number), tmp_path / "pictures" / name)
        regions = [{"shape_attributes": box, "region_attributes": {}}]
        entries[name] = {"filename": name, "size": -1, "regions": regions}
    (tmp_path / "via.json").write_text(json.dumps(entries), encoding="utf-8")
    options = {
        "annotations": tmp_path / "via.json",
        "pictures": tmp_path / "pictures",
        "sam": write_sam(tmp_path / "sam"),
        "out": tmp_path / "masks",
    }
    given = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    assert main(["--json", "datagen", "masks", *given]) == 0
    form = json.loads(capsys.readouterr().out)
    assert [one["picture"] for one in form["masks"]] == ["1.jpg", "2.jpg"]
    with Image.open(tmp_path / "masks" / "2.png") as mask:
        assert mask.size == (96, 72)
    assert main(["datagen", "masks", *given]) == 0
    out = capsys.readouterr().out
    least = min(form["masks"], key=lambda one: one["score"])
    assert out == f"Masks: 2. Least certain: {least['picture']} ({least['score']:.2f}).\n"
    assert main(["datagen", "masks", *given, "--sam", str(tmp_path / "pictures")]) == 1
    assert "holds no SAM" in capsys.readouterr().err
