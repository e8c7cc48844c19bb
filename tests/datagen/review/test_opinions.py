"""What reviewers say is kept, weighed, and taken to heart when the dataset is made again."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from datagen.dataset import DECISIONS
from datagen.finished import open_finished
from datagen.journal import append, read_journal
from datagen.making import make, missing
from datagen.plan import ATTEMPTS
from datagen.records import Record
from datagen.review.opinions import (
    CAUSES,
    REVIEWS,
    Decision,
    Opinion,
    Picture,
    read_opinions,
    read_rejections,
    write_opinion,
)
from kith.errors import InvalidInput, Refused
from tests.datagen.small import commission, finish, tree

ONE = Picture("train/0001.jpg", "ab" * 32)
KEEP = Opinion("keep", "")
FUSED, CUT = Opinion("reject", "SUBJECTS_FUSED"), Opinion("reject", "SUBJECT_CUT")


def test_a_reviewers_last_word_counts(tmp_path: Path) -> None:
    write_opinion(tmp_path, ONE, "ann", FUSED)
    write_opinion(tmp_path, ONE, "ann", KEEP)
    write_opinion(tmp_path, ONE, "bob", CUT)
    assert read_opinions(tmp_path) == {ONE: {"ann": KEEP, "bob": CUT}}
    write_opinion(tmp_path, ONE, "bob", Opinion("withdrawn", ""))
    assert read_opinions(tmp_path) == {ONE: {"ann": KEEP}}


def test_a_crash_costs_the_line_it_tore_and_no_other(tmp_path: Path) -> None:
    write_opinion(tmp_path, ONE, "ann", FUSED)
    path = tmp_path / REVIEWS
    path.write_bytes(path.read_bytes() + b'{"file_name": "train/0001.jpg", "sha2')
    write_opinion(tmp_path, ONE, "bob", CUT)
    assert read_opinions(tmp_path)[ONE] == {"ann": FUSED, "bob": CUT}


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        ([], None),
        ([KEEP], None),
        ([FUSED], "SUBJECTS_FUSED"),
        ([FUSED, KEEP], "SUBJECTS_FUSED"),
        ([FUSED, KEEP, KEEP], None),
        ([CUT, CUT, FUSED], "SUBJECT_CUT"),
        ([CUT, FUSED], "SUBJECTS_FUSED"),
    ],
)
def test_the_most_reject_or_half_of_them(
    tmp_path: Path, said: list[Opinion], cause: str | None
) -> None:
    for number, opinion in enumerate(said):
        write_opinion(tmp_path, ONE, f"reviewer {number}", opinion)
    assert read_rejections(tmp_path) == ({ONE: cause} if cause else {})


def say(out: Path, file: str, decision: Decision, cause: str = "") -> None:
    """One reviewer's word on what lies there now."""
    name = file.removesuffix(".jpg")
    sha256 = commission(out).dataset.records.of(name).sha256
    write_opinion(out, Picture(file, sha256), "ann", Opinion(decision, cause))


def test_a_rejected_picture_is_drawn_anew_and_the_others_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(commission(out))
    before = tree(out)
    say(out, "multi/0002.jpg", "reject", "SUBJECT_CUT")
    say(out, "train/0001.jpg", "keep")
    other = Path(shutil.copytree(out, tmp_path / "other"))
    finish(commission(out))
    changed = {file for file, kept in tree(out).items() if before.get(file) != kept}
    assert {file for file in changed if file.endswith(".jpg")} == {"multi/0002.jpg"}
    assert {"id": "multi/0002", "attempt": 0, "decision": "reject", "cause": "SUBJECT_CUT"} in (
        read_journal(out / DECISIONS)
    )
    finish(commission(other))
    assert tree(other) == tree(out)
    finish(commission(out))  # what was said was of the first picture
    assert tree(other) == tree(out)


def test_while_a_rejected_picture_is_drawn_anew_the_dataset_is_not_finished(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out")
    finish(ordered)
    say(tmp_path / "out", "multi/0002.jpg", "reject", "SUBJECT_CUT")
    open_finished(tmp_path / "out")
    steps = make(ordered)
    for drawn in (False, True):
        next(steps)
        assert (tmp_path / "out" / "multi" / "0002.jpg").exists() == drawn
        with pytest.raises(InvalidInput, match="is not finished"):
            open_finished(tmp_path / "out")
    assert missing(ordered) == 0
    steps.close()
    finish(ordered)
    open_finished(tmp_path / "out")


def test_cut_short_between_file_and_record_it_is_still_rejected(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(commission(out, limit=2))
    say(out, "train/0001.jpg", "reject", "BLURRED")
    (out / "train" / "0001.jpg").unlink()
    finish(commission(out, limit=2))
    assert commission(out).dataset.records.of("train/0001").rejected == ("BLURRED",)


def test_what_is_rejected_again_and_again_is_given_up(tmp_path: Path) -> None:
    out = tmp_path / "out"
    finish(commission(out, limit=2))
    records = commission(out).dataset.records
    found = records.of("train/0001")
    records.keep("train/0001", Record(("BLURRED",) * (ATTEMPTS - 1), found.row, found.sha256))
    say(out, "train/0001.jpg", "reject", "ANATOMY_WRONG")
    finish(commission(out, limit=2))
    assert not (out / "train" / "0001.jpg").exists()
    assert not (out / "train" / "metadata.jsonl").exists()  # it was the only one there
    assert "Given up: train/0001" in (out / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "changed", [{"decision": "perhaps"}, {"cause": "UGLY"}, {"cause": ""}, {"sha256": None}]
)
def test_a_line_that_is_no_review_is_told(tmp_path: Path, changed: dict[str, Any]) -> None:
    said = {"file_name": ONE.file, "sha256": ONE.sha256, "reviewer": "ann"} | FUSED._asdict()
    told = {name: value for name, value in (said | changed).items() if value is not None}
    append(tmp_path / REVIEWS, told)
    with pytest.raises(Refused, match="is no review; take the line out"):
        read_opinions(tmp_path)


def test_every_cause_has_words() -> None:
    assert all(cause.isupper() and words for cause, words in CAUSES.items())
