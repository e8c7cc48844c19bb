"""`kith datagen`: the command that makes datasets."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kith.cli import main

BREAKFAST = Path(__file__).resolve().parents[2] / "examples" / "datagen" / "breakfast.yaml"
MAKE = ["datagen", "make", "--engine", "playroom", "--split", "msbench"]


def test_a_dataset_is_made_and_made_again_in_no_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*MAKE, "--limit", "5", "--out", str(tmp_path / "out")]
    assert main(["--json", *command, "--shard", "1/2"]) == 0
    form = json.loads(capsys.readouterr().out)
    assert (form["complete"], form["left"], form["out"]) == (False, 3, str(tmp_path / "out"))
    assert main([*command, "--shard", "2/4"]) == 0
    said = r"This share is made; left to others: 2 pictures\. Took [\d.]+ s; [\d.]+ MB on disk\.\n"
    assert re.fullmatch(said, capsys.readouterr().out)
    assert main(command) == 0
    out, err = capsys.readouterr()
    said = "Pictures: train 2 of 2, test 2 of 2, multi 1 of 1. Rejected: none. Took "
    assert (out.startswith(said), out.count("\n"), err) == (True, 1, "")
    assert main(["--json", *command]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form["complete"] is True
    assert form["left_out"] == []
    files = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    assert form["megabytes"] == round(sum(path.stat().st_blocks for path in files) * 512 / 1e6, 1)
    assert 0 < form["seconds"] < 60
    assert form["kept"] == form["wanted"] == {"train": 2, "test": 2, "multi": 1}
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "# MP-Bench, split msbench, by playroom\n" in card
    assert "| multi | several concepts, to test with | 1 | 1 | 176 |\n" in card
    assert "kith datagen make --engine playroom --split msbench --seed 0 --limit 5 --out" in card


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "2"], "shard: '2' is none; give I/N with I from 0 to N-1, as in 0/16"),
        (["--shard", "2/2"], "shard: '2/2' is none; give I/N"),
        (["--shard", "0/0"], "shard: '0/0' is none; give I/N"),
        (["--limit", "0"], "'--limit': Input should be greater"),
        (["--seeds", "x"], "seeds: Playroom draws concepts of its own"),
        (["--engine", "msdiffusion"], "seeds: MS-Diffusion needs pictures of concepts"),
        (["--split", "zork"], "'zork'; give one of msbench, msdiffusion, yollava, or a file"),
        (["--split", "nowhere.yaml"], "layout: nowhere.yaml: the file: No such file or directory"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2_one_line_and_no_folder(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*MAKE, *options, "--out", str(tmp_path / "out")]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_layout_of_ones_own_is_gone_on_with_until_it_is_changed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = BREAKFAST.read_text(encoding="utf-8")
    own = tmp_path / "own.yaml"
    command = ["datagen", "make", "--engine", "playroom", "--split", str(own), "--limit", "5"]
    command += ["--out", str(tmp_path / "out")]

    def made(layout: str, *further: str) -> int:
        own.write_text(layout, encoding="utf-8")
        return main([*command, *further])

    assert made(text, "--shard", "0/2") == 0
    assert made(f"# the same\n{text}") == 0
    assert "train 2 of 2, test 2 of 2, multi 1 of 1" in capsys.readouterr().out
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "# breakfast, by playroom\n" in card
    assert "thesis" not in card
    for changed, said in (
        ("title: a dog", "is a dataset with another layout of the same name; name another folder"),
        ("name: lunch", "is a dataset with another layout (breakfast, not lunch); name another"),
        ("name: msbench", "layout: own.yaml: name: 'msbench' comes with Kith; choose another"),
        ("scenarios: 3", "layout: own.yaml: single[0].prompts: 2 prompts for 3 scenarios"),
    ):
        key = changed.partition(":")[0]
        assert made(re.sub(f"^{key}: .*", changed, text, flags=re.MULTILINE)) == 2
        err = capsys.readouterr().err
        assert said in err
        assert err.count("\n") == 1


def test_without_its_packages_it_says_in_one_line_which_extra_to_install() -> None:
    code = (
        "import sys; sys.modules['skia'] = None; from kith.cli import main; "
        f"sys.exit(main({[*MAKE, '--out', 'x']!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "kith: datagen: the package 'skia' is missing; run pip install \"kith[datagen]\"\n"
    )
