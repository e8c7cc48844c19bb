"""No file that can run code is opened unless the profile names its very bytes."""

import hashlib
from pathlib import Path

import pytest

from kith.errors import Refused
from services.runtime.weights import fingerprint_of, trust, trust_list, verify


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
        ("model.pt", "", "WEIGHTS_NOT_TRUSTED"),
        ("model.bin", "", "WEIGHTS_NOT_TRUSTED"),
        ("model.pt", "0" * 64, "WEIGHTS_HASH_MISMATCH"),
        ("model.safetensors", "0" * 64, "WEIGHTS_HASH_MISMATCH"),
    ],
)
def test_any_other_file_is_refused(tmp_path: Path, name: str, sha256: str, reason: str) -> None:
    with pytest.raises(Refused, match=name) as refusal:
        verify(written(tmp_path, name), sha256)
    assert refusal.value.reason == reason


@pytest.mark.parametrize("above", [False, True])
def test_what_sha256sums_names_is_compared(tmp_path: Path, above: bool) -> None:
    folder = tmp_path / "clip"
    folder.mkdir()
    path = written(folder, "model.safetensors")
    sums = (tmp_path if above else folder) / "SHA256SUMS"
    name = "./clip/model.safetensors" if above else "model.safetensors"
    sums.write_text(f"{'1' * 64}  other.safetensors\n{SHA}  {name}\n", encoding="utf-8")
    assert verify(path) == path
    path.write_bytes(b"wrights")
    with pytest.raises(Refused, match="SHA256SUMS names") as refusal:
        verify(path)
    assert refusal.value.reason == "WEIGHTS_HASH_MISMATCH"


def test_sha256sums_does_not_vouch_for_a_pickle(tmp_path: Path) -> None:
    path = written(tmp_path, "model.pt")
    (tmp_path / "SHA256SUMS").write_text(f"{SHA} *model.pt\n", encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        verify(path)
    assert refusal.value.reason == "WEIGHTS_NOT_TRUSTED"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no file") as refusal:
        verify(tmp_path / "nowhere.pt", SHA)
    assert refusal.value.reason == "WEIGHTS_MISSING"


def test_what_the_operator_trusts_is_opened_wherever_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, "model.pt")
    trust(path)
    trust(path)
    assert trust_list().read_text(encoding="utf-8") == f"{SHA}  model.pt\n"
    assert verify(path.rename(tmp_path / "moved.pt")).name == "moved.pt"
    with pytest.raises(Refused) as refusal:
        verify(tmp_path / "moved.pt", "0" * 64)  # the profile knows better
    assert refusal.value.reason == "WEIGHTS_HASH_MISMATCH"
    monkeypatch.setenv("KITH_TRUSTED_WEIGHTS", str(tmp_path / "elsewhere"))
    with pytest.raises(Refused, match="elsewhere"):
        verify(tmp_path / "moved.pt")


def test_a_folder_of_models_can_not_vouch_for_itself(tmp_path: Path) -> None:
    path = written(tmp_path, "model.pt")
    (tmp_path / trust_list().name).write_text(f"{SHA}  model.pt\n", encoding="utf-8")
    with pytest.raises(Refused, match="--trust"):
        verify(path)


def test_a_fingerprint_is_of_what_the_files_hold_now(tmp_path: Path) -> None:
    one, other = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    one.write_bytes(b"one")
    assert fingerprint_of(one) == hashlib.sha256(b"one").hexdigest()
    before = fingerprint_of(tmp_path)
    other.write_bytes(b"other")
    both = fingerprint_of(tmp_path)
    one.write_bytes(b"another")
    assert fingerprint_of(one) == hashlib.sha256(b"another").hexdigest()
    assert len({before, both, fingerprint_of(tmp_path)}) == 3
