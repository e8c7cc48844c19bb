import hashlib
import json
from pathlib import Path

import pytest

from kith.cli import main
from services.runtime.weights import sha256_of, trust_list

Captured = pytest.CaptureFixture[str]


def test_models_are_listed_with_size_hash_and_presence(tmp_path: Path, capsys: Captured) -> None:
    folder = tmp_path / "llava"
    folder.mkdir()
    (folder / "config.json").write_bytes(b"{}")
    assert main(["--json", "--weights", str(tmp_path), "models"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["profile"] == "pocket"
    by_stage = {model["stage"]: model for model in reversed(listed["models"])}
    assert set(by_stage) == {"detection", "embedding", "generation"}
    assert by_stage["generation"] == {
        "stage": "generation",
        "name": "llava",
        "file": str(folder / "config.json"),
        "present": True,
        "bytes": 2,
        "sha256": hashlib.sha256(b"{}").hexdigest(),
        "pinned": None,
        "trusted": True,
    }
    assert by_stage["detection"]["present"] is False
    assert by_stage["detection"]["bytes"] is None


def test_missing_models_are_counted_for_people(tmp_path: Path, capsys: Captured) -> None:
    assert main(["--weights", str(tmp_path), "models"]) == 0
    said = capsys.readouterr().out
    assert "Profile pocket: 7 files, 7 missing" in said
    assert "detector.pt" in said


def test_a_folder_without_the_language_model_is_no_language_model(
    tmp_path: Path, capsys: Captured
) -> None:
    folder = tmp_path / "llava"
    folder.mkdir()
    for name in ("MODEL_CARD.md", "model-00001-of-00002.safetensors", "preprocessor_config.json"):
        (folder / name).write_bytes(b"")
    assert main(["--json", "--weights", str(tmp_path), "models"]) == 0
    listed = json.loads(capsys.readouterr().out)["models"]
    lacking = [Path(one["file"]) for one in listed if not one["present"]]
    assert [path.name for path in lacking if path.parent == folder] == [
        "config.json",
        "tokenizer.json",
    ]


def test_the_full_profile_asks_for_its_folder(capsys: Captured) -> None:
    assert main(["--profile", "full", "models"]) == 1
    assert "--weights" in capsys.readouterr().err


def test_a_pickle_is_trusted_only_after_its_operator_said_so(
    tmp_path: Path, capsys: Captured
) -> None:
    pickle = tmp_path / "yolov8x-worldv2.pt"
    pickle.write_bytes(b"runs code")
    other = tmp_path / "llava-1.5-7b-hf" / "pytorch_model.bin"  # never opened
    other.parent.mkdir()
    other.write_bytes(b"runs code too")
    command = ["--profile", "full", "--weights", str(tmp_path), "models"]

    def trusted(*more: str) -> dict[str, bool]:
        assert main(["--json", *command, *more]) == 0
        listed = json.loads(capsys.readouterr().out)["models"]
        return {Path(one["file"]).name: one["trusted"] for one in listed if one["present"]}

    assert trusted() == {pickle.name: False, other.name: True}
    assert main(command) == 0
    assert "not trusted" in capsys.readouterr().out
    assert trusted("--trust") == trusted() == {pickle.name: True, other.name: True}
    assert trust_list().read_text(encoding="utf-8") == f"{sha256_of(pickle)}  {pickle.name}\n"
    pickle.write_bytes(b"runs other code")
    assert trusted()[pickle.name] is False
