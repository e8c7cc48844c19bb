"""The command on the pocket models: a handful of Playroom's concepts, through the client."""

import json
from pathlib import Path

import pytest
from PIL import Image

from datagen import playroom
from evaluation import results
from evaluation.samples import Control, Task
from kith.cli import main

KINDS = ("dog", "cup", "person")
SIZE = 160


def portrait(kind: str, who: int, number: int, path: Path) -> None:
    drawn = playroom.sample_concept(900 + who, "test", kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(playroom.portrait(drawn, number, SIZE).image).save(path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three concepts with two photos each, and two strangers."""
    root = tmp_path / "three"
    concepts = {}
    for who, kind in enumerate(KINDS):
        for number in range(4):
            portrait(kind, who, number, root / kind / f"{number}.png")
        concepts[f"b{who}o"] = {
            "category": kind,
            "train": [f"{kind}/0.png", f"{kind}/1.png"],
            "test": [f"{kind}/2.png", f"{kind}/3.png"],
        }
    for who, kind in enumerate(("teapot", "toy car")):
        portrait(kind, 50 + who, 0, tmp_path / "outside" / f"{kind}.png")
    (root / "manifest.json").write_text(json.dumps({"concepts": concepts}), encoding="utf-8")
    return root


@pytest.mark.timeout(300)
def test_methods_are_measured_and_a_second_call_asks_nothing(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["evaluate", "--data", str(data), "--outside", str(tmp_path / "outside")]
    command += ["--methods", "kith,none", "--controls", "shuffled-references", "--quick"]
    command += ["--tasks", "recognition,retrieval,captioning,strangers,look-alikes,edits,cost"]
    assert main([*command, "--out", str(out)]) == 0
    *_, nothing, where, last = capsys.readouterr().out.splitlines()
    assert nothing == (
        "Nothing to ask: look-alikes of three: there is no photo of one concept that has a "
        "look-alike."
    )
    assert where == f"Report: {out / 'report.html'}, and the same as {out / 'report.md'}"
    assert "<title>" in (out / "report.html").read_text(encoding="utf-8")
    assert last.startswith("kith: recognition accuracy ")
    assert "; none: recognition accuracy " in last
    found = results.read(out)
    assert found.complete
    assert found.methods["none"]["left_out"]["edits"] == "it finds no concept by itself"
    assert [one["stage"] for one in found.methods["kith"]["models"]] == [
        "detection",
        "embedding",
        "generation",
    ]
    value = {
        (one.method, one.task, one.control, one.setting, one.metric): one.value
        for one in found.figures
    }
    kith = value["kith", Task.RETRIEVAL, Control.NOTHING, "single", "recall"]
    assert kith > value["kith", Task.RETRIEVAL, Control.SHUFFLED_REFERENCES, "single", "recall"]
    assert value["kith", Task.EDITS, Control.NOTHING, "forget", "seen"] == 1
    assert value["kith", Task.EDITS, Control.NOTHING, "rename", "seen"] == 1
    assert value["kith", Task.COST, Control.NOTHING, "caption", "prompt_tokens"] > 10
    before = (out / "results.json").read_bytes()
    journals = {path: path.read_bytes() for path in out.glob("answers/*/*.jsonl")}
    assert main([*command, "--out", str(out)]) == 0
    assert (out / "results.json").read_bytes() == before
    assert {path: path.read_bytes() for path in out.glob("answers/*/*.jsonl")} == journals
