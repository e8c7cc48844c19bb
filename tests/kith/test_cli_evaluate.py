"""`kith evaluate`: its options, and the two commands beside it."""

import json
import subprocess
from pathlib import Path

import pytest

from kith.cli import bar, main
from tests.evaluation.making import pictures, write
from tests.evaluation.stripes import write_further, write_world
from tests.evaluation.systems.api import listening


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--quick"], "name the folder of the run"),
        (["--quick", "--whole"], "give one of --quick and --whole"),
        (["--tasks", "recognition,knitting"], "tasks: 'knitting' is none; give some of recogni"),
        (["--controls", "nothing,blank"], "controls: 'nothing' is none; give some of no-memory"),
        (["--controls", "blank"], "true-references, or nothing by itself"),
        (["--memory-sizes", "10,many"], "memory_sizes: '10,many' is no list of numbers"),
        (["--memory-sizes", "99"], "memory_sizes: 99 concepts need 94 beside the datasets' own"),
        (["--shard", "2"], "shard: '2' is none; give I/N"),
        (["--shard", "2/2"], "shard: '2/2' is none; give I/N with I from 0 to N-1"),
        (["--methods", ""], "methods: none; give one or more"),
        (["--openai-url", "http://127.0.0.1:1/v1"], "openai_url: name its model"),
        (["--openai-url", "", "--openai-model", "m"], "openai_url: '' is no address"),
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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--methods", "magic"], "methods: 'magic' is none; give some of kith, rap, none,"),
        (["--methods", ","], "methods: none; give one or more of kith, rap, none,"),
        (["--openai-url", "foo", "--openai-model", "m"], "openai_url: 'foo' is no address"),
    ],
)
def test_what_names_nothing_is_told_before_the_bench_is_drawn(
    options: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["evaluate", "--quick", "--out", str(out), *options]) == 2
    assert said in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("option", ["--data", "--outside", "--outside-multi", "--distractors"])
@pytest.mark.parametrize("below", ["", "runs/first"])
def test_a_run_among_its_own_pictures_is_refused(
    option: str, below: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world, further = write_world(tmp_path), write_further(tmp_path)
    folder = {"--data": world, "--distractors": further}.get(option, tmp_path / option[2:])
    before = sorted(folder.rglob("*"))
    command = ["evaluate", "--data", str(world), option, str(folder)]
    assert main([*command, "--out", str(folder / below)]) == 2
    err = capsys.readouterr().err
    assert f"out: {folder / below} lies in {folder}, whose pictures the run asks about" in err
    assert sorted(folder.rglob("*")) == before


def test_how_far_it_is_stands_in_a_file_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr(bar, "EVERY_S", 0.001)
    command = ["evaluate", "--data", str(write_world(tmp_path)), "--tasks", "recognition"]
    command += ["--controls", "nothing", "--out", str(tmp_path / "out"), "--openai-model", "m"]
    with listening() as api:
        assert main([*command, "--openai-url", api.url]) == 0
    first, *_, last = capsys.readouterr().err.splitlines()
    assert last.startswith("No negatives from outside were asked of world: name pictures")
    assert first.endswith(("of 60: openai:m: starting", "of 60: openai:m: world, recognition"))


def test_a_page_where_an_api_should_be_ends_the_run_with_1_and_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    command = ["evaluate", "--data", str(write_world(tmp_path)), "--tasks", "recognition"]
    command += ["--out", str(tmp_path / "out"), "--openai-model", "m"]
    with listening() as api:
        api.content, api.kind = b"<html>", "text/html"
        url = api.url.removesuffix("/v1")
        assert main([*command, "--openai-url", url]) == 1
    out, err = capsys.readouterr()
    assert f"openai_url: {url} answers with a page, '<html>'" in err
    assert (out, err.count("\n")) == ("", 1)


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
    assert form["fewer"] == [
        f"3 outside photos of {what}: the thesis asks about 50"
        for what in ("one thing", "several things")
    ]
    assert main(["evaluate", "check", str(world), *outside]) == 0
    out = capsys.readouterr().out
    assert "3 outside photos of one thing: the thesis asks about 50\n" in out
    assert out.endswith("Nothing else is missing.\n")
    (world / "bo" / "0.png").unlink()
    assert main(["--json", "evaluate", "check", str(world), *outside]) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 1
    assert main(["evaluate", "check", str(world)]) == 1
    out = capsys.readouterr().out
    assert "there is no outside photo of one thing" in out
    assert "0.png" in out
    assert out.endswith("3 problems\n")


def test_check_tells_names_that_no_memory_keeps(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = {"category": "dog", "train": ["1.png"]}
    names = ("bo", "image", "a|b", "two  spaces")
    write(tmp_path / "manifest.json", {"concepts": dict.fromkeys(names, entry)})
    pictures(tmp_path, "1.png")
    assert main(["--json", "evaluate", "check", str(tmp_path)]) == 1
    told = json.loads(capsys.readouterr().out)["problems"]
    assert [one for one in told if "remembered" in one] == [
        "concept 'image' can't be remembered: display_name 'image' is a reserved word; "
        "choose another name",
        "concept 'a|b' can't be remembered: display_name 'a|b' holds '<', '>' or '|'; "
        "leave them out",
        "concept 'two  spaces' can't be remembered: it would be called 'two spaces'; "
        "call it so in the dataset",
    ]


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
    assert main(["--json", "evaluate", "check", str(tmp_path)]) == 1
    assert json.loads(capsys.readouterr().out)["dropped"] == why
    assert main(["evaluate", "check", str(tmp_path)]) == 1
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    at = lines.index("dropped 3")
    assert lines[at + 1 : at + 3] == [f"{what} {number}" for what, number in why.items()]


def test_both_workers_of_make_evaluate_leave_what_they_print(tmp_path: Path) -> None:
    kith, out = tmp_path / "bin" / "kith", tmp_path / "runs" / "first"
    write(kith, '#!/bin/sh\necho "asked $*"\necho failed >&2\n')
    kith.chmod(0o755)
    command = ["make", "--no-print-directory", "-o", ".venv/.installed-dev", "evaluate"]
    done = subprocess.run(
        [*command, f"BIN={kith.parent}", f"OUT={out}", "METHODS=none"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    asked = f"asked evaluate --methods none --out {out}"
    assert (out / "worker-0.log").read_text() == f"{asked} --shard 0/2\n"
    assert (out / "worker-1.log").read_text() == f"{asked} --shard 1/2\nfailed\n"
    assert (done.stdout, done.stderr) == (f"{asked}\n", "failed\nfailed\n")


def test_a_report_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "report", str(tmp_path)]) == 2
    assert "holds no results.json" in capsys.readouterr().err
