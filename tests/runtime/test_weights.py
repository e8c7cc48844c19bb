"""No file that can run code is opened unless the profile names its very bytes."""

import hashlib
from pathlib import Path

import pytest

from kith.errors import Refused
from services.runtime.weights import verify


def written(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b"weights")
    return path


SHA = hashlib.sha256(b"weights").hexdigest()


def test_safetensors_need_no_hash(tmp_path: Path) -> None:
    path = written(tmp_path, "model.safetensors")
    assert verify(path) == path


@pytest.mark.parametrize("name", ["model.pt", "model.bin", "model.safetensors"])
def test_the_pinned_file_is_accepted(tmp_path: Path, name: str) -> None:
    path = written(tmp_path, name)
    assert verify(path, SHA) == path


@pytest.mark.parametrize(
    ("name", "sha256", "reason"),
    [
        ("model.pt", "", "WEIGHTS_NOT_PINNED"),
        ("model.bin", "", "WEIGHTS_NOT_PINNED"),
        ("model.pt", "0" * 64, "WEIGHTS_HASH_MISMATCH"),
        ("model.safetensors", "0" * 64, "WEIGHTS_HASH_MISMATCH"),
    ],
)
def test_any_other_file_is_refused(tmp_path: Path, name: str, sha256: str, reason: str) -> None:
    with pytest.raises(Refused, match=name) as refusal:
        verify(written(tmp_path, name), sha256)
    assert refusal.value.reason == reason


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no file") as refusal:
        verify(tmp_path / "nowhere.pt", SHA)
    assert refusal.value.reason == "WEIGHTS_MISSING"
