"""Folders of models are told from each other by pages of their files."""

from pathlib import Path

import pytest

from datagen.msdiffusion.fingerprint import fingerprint

MIB = 2**20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sdxl" / "unet").mkdir(parents=True)
    (tmp_path / "sdxl" / "model_index.json").write_text("{}")
    (tmp_path / "sdxl" / "unet" / "weights.safetensors").write_bytes(bytes(5 * MIB + 100))
    (tmp_path / "sdxl" / "vocab.json").write_bytes(bytes(2 * MIB))
    return tmp_path / "sdxl"


@pytest.mark.parametrize(
    ("file", "place"),
    [
        ("model_index.json", 0),
        ("vocab.json", MIB + 300_000),
        ("unet/weights.safetensors", 700_000),
        ("unet/weights.safetensors", 3 * MIB),
        ("unet/weights.safetensors", 5 * MIB + 99),
    ],
)
def test_another_byte_where_it_reads_is_another_folder(folder: Path, file: str, place: int) -> None:
    before = fingerprint(folder)
    with (folder / file).open("r+b") as opened:
        opened.seek(place)
        opened.write(b"x")
    assert fingerprint(folder) != before


def test_other_sizes_and_names_are_another_folder(folder: Path) -> None:
    before = fingerprint(folder)
    weights = folder / "unet" / "weights.safetensors"
    moved = weights.rename(folder / "unet" / "others.safetensors")
    assert fingerprint(folder) != before
    moved.rename(weights).write_bytes(bytes(5 * MIB + 101))
    assert fingerprint(folder) != before


def test_it_is_the_same_elsewhere_through_links_and_beside_other_files(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "else" / "sdxl").mkdir(parents=True)
    for path in folder.iterdir():
        (tmp_path / "else" / "sdxl" / path.name).symlink_to(path)
    assert fingerprint(tmp_path / "else" / "sdxl") == fingerprint(folder)
    before = fingerprint(folder)
    (folder / "README.md").write_text("a card")
    (folder / ".cache").mkdir()
    (folder / ".cache" / "fetched.json").write_text("1")
    assert fingerprint(folder) == before
