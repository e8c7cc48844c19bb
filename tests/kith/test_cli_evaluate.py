"""`kith evaluate`: its options, and the two commands beside it."""

import json
from pathlib import Path

import pytest

from kith.cli import main
from tests.evaluation.making import write
from tests.evaluation.stripes import write_world


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--quick"], "name the folder of the run"),
        (["--tasks", "recognition,knitting"], "tasks: 'knitting' is none; give some of recogni"),
        (["--controls", "nothing,blank"], "controls: 'nothing' is none; give some of no-memory"),
        (["--memory-sizes", "10,many"], "memory_sizes: '10,many' is no list of numbers"),
        (["--memory-sizes", "99"], "memory_sizes: 99 concepts need 94 beside the datasets' own"),
        (["--shard", "2"], "shard: '2' is not I/N"),
        (["--shard", "2/2"], "shard: 2/2 is none"),
        (["--methods", ""], "methods: none; give one or more"),
        (["--openai-url", "http://127.0.0.1:1/v1"], "openai_url: name its model"),
        (["--methods", "kith,magic"], "methods: 'magic' is none; give some of kith, rap, none,"),
        (["--data", "nowhere"], "nowhere"),
    ],
)
def test_what_is_asked_wrongly_ends_with_2_and_one_line(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = write_world(tmp_path)
    command = ["evaluate", "--data", str(world), *options]
    if options != ["--quick"]:
        command += ["--out", str(tmp_path / "out")]
    assert main(command) == 2
    out, err = capsys.readouterr()
    assert said in err
    assert (out, err.count("\n")) == ("", 1)


def test_options_of_one_memory_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, out = write_world(tmp_path), tmp_path / "out"
    command = ["evaluate", "--data", str(world), "--out", str(out)]
    assert main(["--method", "rap", *command]) == 2
    assert "method: an evaluation has memories of its own" in capsys.readouterr().err
    assert main(["--server", "127.0.0.1:1", *command]) == 1
    assert "nobody answers at 127.0.0.1:1" in capsys.readouterr().err
    assert not out.exists()


def test_check_counts_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world = write_world(tmp_path)
    outside = ["--outside", str(tmp_path / "outside")]
    outside += ["--outside-multi", str(tmp_path / "outside-multi")]
    assert main(["--json", "evaluate", "check", str(world), *outside]) == 0
    form = json.loads(capsys.readouterr().out)
    assert form["counts"]["concepts"] == 5
    assert form["counts"]["positives"] == 5 * 2 + 2 * 3 + 4
    assert form["problems"] == []
    (world / "bo" / "0.png").unlink()
    assert main(["evaluate", "check", str(world)]) == 0
    out = capsys.readouterr().out
    assert "there is no outside photo of one thing" in out
    assert "0.png" in out
    assert out.endswith("3 problems\n")


def test_check_says_why_something_is_dropped(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [{"image": "bo.png", "concept": "bo", "correct_answer": True}] * 3
    same = {"question": "What is sks?", "options": {"A": "A dog", "B": "A dog"}}
    write(tmp_path / "recognition_test.json", rows)
    write(tmp_path / "qa.json", {"bo": {"0": {**same, "correct_answer": "A"}}})
    why = {
        "questions in qa.json that have no two different options": 1,
        "rows of recognition_test.json that repeat another": 2,
    }
    assert main(["--json", "evaluate", "check", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out)["dropped"] == why
    assert main(["evaluate", "check", str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    at = lines.index("dropped 3")
    assert lines[at + 1 : at + 3] == [f"{what} {number}" for what, number in why.items()]


def test_a_report_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "report", str(tmp_path)]) == 2
    assert "holds no results.json" in capsys.readouterr().err
