from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.datasets import read
from evaluation.datasets.files import in_order, path_in
from kith.errors import InvalidInput
from tests.evaluation.making import pictures, refusal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "data"
    pictures(made, "train/bo/0.png", "test/bo/0.png")
    return made


def test_pictures_outside_come_from_any_folder(folder: Path, tmp_path: Path) -> None:
    pictures(tmp_path / "single", "2.png", "10.JPG", "town/1.webp", ".hidden/0.png", ".0.png")
    pictures(tmp_path / "several", "a.png")
    (tmp_path / "single" / "notes.txt").write_text("no picture", "utf-8")
    dataset = read(folder, outside=tmp_path / "single", outside_multi=tmp_path / "several")
    assert [photo.id for photo in dataset.outside] == [
        "outside/2.png",
        "outside/10.JPG",
        "outside/town/1.webp",
    ]
    (several,) = dataset.outside_multi
    assert (several.id, several.concepts, several.source) == ("outside_multi/a.png", (), "unknown")


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_a_folder_outside_without_pictures_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInput, match=r"outside: .* holds no picture \(\.jpg") as caught:
        read(folder, outside=tmp_path / name)
    assert caught.value.field == "outside"


def test_a_folder_of_no_known_form_is_refused(tmp_path: Path) -> None:
    assert "holds no dataset of a known form; these are kith datagen make" in refusal(tmp_path)
    assert "is no folder; name one that holds a dataset" in refusal(tmp_path / "nowhere")


@settings(deadline=None)
@given(st.lists(st.sampled_from(["..", ".", "a", "b.png", "", "\\", "/"]), max_size=5))
def test_no_path_leads_out(parts: list[str]) -> None:
    told = "/".join(parts)
    try:
        path = path_in("here", told)
    except InvalidInput:
        return
    root = Path("/data/set")
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path).resolve() != root


def test_numbers_in_names_count_as_numbers() -> None:
    names = ["a/10.png", "a/9.png", "b.png", "1.png"]
    ordered = [str(path) for path in sorted(map(Path, names), key=in_order)]
    assert ordered == ["1.png", "a/9.png", "a/10.png", "b.png"]
