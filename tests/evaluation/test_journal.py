"""Journals: what is there is read, what is torn is cut off, what is other is refused."""

import json
from pathlib import Path

import pytest

from evaluation import folder, journal, results
from evaluation.journal import Journal
from evaluation.places import Places
from evaluation.results import Part
from evaluation.samples import Control, Said, Sample, Task
from kith.errors import Refused

PART = Part("made", Task.RECOGNITION, Control.NOTHING, 0)
WHOLE = (0, 1)


def sample(name: str) -> Sample:
    photo = Path("data", "made", f"{name}.jpg").resolve()
    return Sample(name, Task.RECOGNITION, "made", "single", photo, ("bo",), ("bo",), "?", True)


def write(out: Path, *said: Said, part: Part = PART, shard: tuple[int, int] = WHOLE) -> Path:
    ids = {sample(one.sample).photo or Path(): f"{one.sample}.jpg" for one in said}
    with Journal(out, part, "print", shard, ids) as answers:
        for one in said:
            answers.add(sample(one.sample), one)
    return out / journal.own_name(part, shard)


def test_what_was_added_is_read(tmp_path: Path) -> None:
    said = Said("a", True, "Yes\u2028\n", 0.5, ("bo",), 3, 1, 99)
    write(tmp_path / "kith", said, Said("b", error="away"))
    assert journal.read(tmp_path / "kith", PART, "print") == {"a": said}
    write(tmp_path / "kith", Said("b", False))
    assert journal.read(tmp_path / "kith", PART, "print")["b"] == Said("b", False)


def test_the_report_reads_the_same(tmp_path: Path) -> None:
    said = Said("a", True, "Yes\u2028", 0.5, ("bo",))
    path = write(tmp_path / "answers" / "kith", said, Said("b", error="away"))
    with path.open("ab") as file:
        file.write(b'{"part": ["made", "reco')
    folder.lay_down(tmp_path, {"settings": {"methods": []}}, Places({"made": Path("data", "made")}))
    (found,) = results.answers(tmp_path)
    assert found == results.Answered("kith", PART, sample("a"), said)


@pytest.mark.parametrize("cut", [1, 10, 150])
def test_a_torn_line_is_cut_off_and_asked_again(tmp_path: Path, cut: int) -> None:
    path = write(tmp_path, Said("a", True), Said("b", True))
    path.write_bytes(path.read_bytes()[:-cut])
    assert journal.read(tmp_path, PART, "print").keys() == {"a"}
    write(tmp_path, Said("b", False))
    assert {name: one.value for name, one in journal.read(tmp_path, PART, "print").items()} == {
        "a": True,
        "b": False,
    }
    for line in path.read_text(encoding="utf-8").splitlines():
        json.loads(line)


def test_a_journal_torn_in_its_first_line_begins_anew(tmp_path: Path) -> None:
    path = write(tmp_path)
    path.write_bytes(path.read_bytes()[:20])
    assert journal.read(tmp_path, PART, "print") == {}
    write(tmp_path, Said("a", True))
    assert journal.read(tmp_path, PART, "print").keys() == {"a"}


def test_a_last_line_that_is_no_answer_is_cut_off_though_it_is_ended(tmp_path: Path) -> None:
    path = write(tmp_path / "answers" / "kith", Said("a", True), Said("b", True))
    path.write_bytes(path.read_bytes()[:-30] + b"\0\0\0\n")
    assert journal.read(path.parent, PART, "print").keys() == {"a"}
    assert [one.said.sample for one in results.answers(tmp_path)] == ["a"]
    write(path.parent, Said("b", False))
    assert journal.read(path.parent, PART, "print").keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("number", "step"),
    [(1, "delete the file"), (2, "delete this line")],
)
def test_a_line_that_is_torn_amid_others_is_named(tmp_path: Path, number: int, step: str) -> None:
    path = write(tmp_path / "answers" / "kith", Said("a", True), Said("b", True))
    lines = path.read_bytes().splitlines(keepends=True)
    lines[number - 1] = lines[number - 1][:20] + b"\n"
    path.write_bytes(b"".join(lines))
    said = rf"out: {path} line {number} is damaged: .*; {step}; the same command asks again"
    with pytest.raises(Refused, match=said):
        journal.read(path.parent, PART, "print")
    with pytest.raises(Refused, match=said):
        list(results.answers(tmp_path))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"said": {}}, "missing .* 'sample'"),
        ({"said": 5}, "5 is no object"),
        ({"said": {"sample": "c", "concepts": 5}}, "concepts: 5 is no list"),
        ({"said": {"sample": "c", "seconds": "x"}}, "seconds: 'x' is no number"),
        ({"said": {"sample": "c", "seconds": True}}, "seconds: True is no number"),
        ({"said": {"sample": "c", "mood": 1}}, "unexpected keyword .* 'mood'"),
    ],
)
def test_a_line_of_another_form_is_named(tmp_path: Path, line: object, said: str) -> None:
    path = write(tmp_path / "answers" / "kith", Said("a", True), Said("b", True))
    head, first, second = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([head, first, json.dumps(line), second, ""]), encoding="utf-8")
    where = (
        rf"out: {path} line 3 is damaged: it is of another form \(.*{said}.*\); delete this line"
    )
    with pytest.raises(Refused, match=where):
        journal.read(path.parent, PART, "print")


def test_a_sample_of_another_form_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "answers" / "kith", Said("a", True))
    folder.lay_down(tmp_path, {"settings": {"methods": []}}, Places({"made": Path("data", "made")}))
    path.write_text(path.read_text("utf-8").replace('"truth"', '"mood"'), encoding="utf-8")
    with pytest.raises(Refused, match=rf"{path} line 2 is damaged: .* 'mood'\); delete this line"):
        list(results.answers(tmp_path))


def test_a_journal_that_does_not_tell_what_was_asked_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "answers" / "kith", Said("a", True), Said("b", True))
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    said = rf"{path} line 1 is damaged: it does not tell what was asked; delete the file; the same"
    with pytest.raises(Refused, match=said):
        journal.read(path.parent, PART, "print")
    with pytest.raises(Refused, match=said):
        list(results.answers(tmp_path))


def test_answers_to_something_else_are_refused(tmp_path: Path) -> None:
    write(tmp_path, Said("a", True))
    with pytest.raises(Refused, match="holds answers to other questions, or of other models"):
        journal.read(tmp_path, PART, "another")


def test_each_worker_writes_its_own_and_reads_all(tmp_path: Path) -> None:
    paths = {
        write(tmp_path, Said("a", True), shard=(0, 2)),
        write(tmp_path, Said("b", True), shard=(1, 2)),
        write(tmp_path, Said("c", True)),
    }
    assert len(paths) == 3
    assert journal.read(tmp_path, PART, "print").keys() == {"a", "b", "c"}


def test_parts_do_not_mix(tmp_path: Path) -> None:
    others = [
        PART._replace(control=Control.NO_MEMORY),
        PART._replace(memory_size=10),
        PART._replace(dataset="made.recognition"),
    ]
    for number, part in enumerate(others):
        write(tmp_path, Said(str(number), True), part=part)
        write(tmp_path, Said(f"{number} too", True), part=part, shard=(0, 2))
    assert journal.read(tmp_path, PART, "print") == {}
    for number, part in enumerate(others):
        assert journal.read(tmp_path, part, "print").keys() == {str(number), f"{number} too"}
