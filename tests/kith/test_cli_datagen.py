"""`kith datagen`: the command that makes datasets."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from kith.cli import main

MAKE = ["datagen", "make", "--engine", "playroom", "--split", "msbench"]


def test_a_dataset_is_made_and_made_again_in_no_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [*MAKE, "--limit", "5", "--out", str(tmp_path / "out")]
    assert main(["--json", *command, "--shard", "1/2"]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form == {"complete": False, "left": 3, "out": str(tmp_path / "out")}
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert (out, err) == (
        "Pictures: train 2 of 2, test 2 of 2, multi 1 of 1. Rejected: none.\n",
        "",
    )
    assert main(["--json", *command]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form["complete"] is True
    assert form["kept"] == form["wanted"] == {"train": 2, "test": 2, "multi": 1}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--shard", "2"], "shard: '2' is not I/N; give it as in 0/16"),
        (["--shard", "2/2"], "shard: 2/2 is none; give I/N"),
        (["--shard", "0/0"], "shard: 0/0 is none; give I/N"),
        (["--limit", "0"], "'--limit': Input should be greater"),
        (["--seeds", "x"], "seeds: Playroom draws concepts of its own"),
        (["--engine", "msdiffusion"], "seeds: MS-Diffusion needs pictures of concepts"),
        (["--split", "zork"], "'zork'"),
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
