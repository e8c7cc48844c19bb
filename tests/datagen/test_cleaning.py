"""A finished dataset is measured, and what is wrong with it is proposed to be rejected."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from datagen import proposals
from datagen.cleaning import TABLE, clean
from datagen.finished import open_finished
from datagen.layout import Box
from datagen.likeness import yardsticks
from datagen.pool import Vectors
from datagen.prints import fingerprint
from datagen.proposals import SCORES, across_parts, propose, read_scores
from datagen.regions import Eyes, find_subjects
from datagen.rejections import rejection_table, table_of
from datagen.review.opinions import CAUSES
from kith.errors import InvalidInput
from tests.datagen.drawn import Counting, drawn
from tests.datagen.small import commission, tree


class Looking(Counting):
    """Mean colours, and a detector that knows one place."""

    def __init__(self, box: Box = (0, 0, 4, 4)) -> None:
        super().__init__()
        self.box = box
        self.searched = 0

    def detect(self, picture: Image.Image) -> Sequence[Box]:
        """[1]"""
        self.searched += 1
        return [self.box]

    @property
    def eyes(self) -> Eyes:
        """By the name of "colours"."""
        return Eyes("colours", self.embed, self.detect)


@pytest.fixture
def out(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "out"))


GOOD = {"sharpness": 300.0, "brightness": 0.5, "clipped": 0.0, "evenness": 0.5,
        "blocking": 1.0, "noise": 0.5}  # fmt: skip


def measurement(picture: Image.Image, quality: dict[str, float] = GOOD) -> dict[str, Any]:
    subjects = [{"likeness": 0.9, "rival": ""}]
    return {
        "sha256": "",
        "print": list(fingerprint(picture)),
        "quality": quality,
        "subjects": subjects,
    }


def test_every_drawn_picture_has_a_score_and_the_dataset_stays_as_it_was(out: Path) -> None:
    before = tree(out)
    told: list[int] = []
    cleaned = clean(open_finished(out), Looking().eyes, told.append)
    assert told == list(range(1, 12))
    assert cleaned.pictures == 11
    scores = read_scores(out)
    assert list(scores)[:2] == ["train/0001.jpg", "train/0002.jpg"]
    assert len(scores) == 11
    one = scores["multi/0001.jpg"]
    assert [len(one["subjects"]), one["proposal"] == "keep"] == [3, one["cause"] == ""]
    assert (out / TABLE).read_bytes().startswith(b"\x89PNG")
    added = {SCORES, TABLE, ".work/measured.jsonl"}
    assert {file: kept for file, kept in tree(out).items() if file not in added} == before


def test_cut_short_it_goes_on_and_the_bytes_are_the_same(out: Path, made: Path) -> None:
    class Cut(Exception):  # noqa: N818 - it is no error
        pass

    def cut(done: int) -> None:
        if done == 4:
            raise Cut

    with pytest.raises(Cut):
        clean(open_finished(out), Looking().eyes, cut)
    assert not (out / SCORES).exists()
    first = Looking()
    clean(open_finished(out), first.eyes)
    scores, table = (out / SCORES).read_bytes(), (out / TABLE).read_bytes()
    again = Looking()
    clean(open_finished(out), again.eyes)
    seeds = 10
    assert again.pictures == seeds < first.pictures
    assert (out / SCORES).read_bytes() == scores
    assert (out / TABLE).read_bytes() == table


def test_a_copy_is_one_of_a_kept_picture_of_the_same_concepts() -> None:
    bo, both = {"concepts": ["bo"]}, {"concepts": ["bo", "mia"]}
    rows = {"1": bo, "2": bo, "3": both, "4": bo, "5": bo}
    blurred = GOOD | {"sharpness": 1.0}
    measured = {
        "1": measurement(drawn(1), blurred),
        "2": measurement(drawn(1)),
        "3": measurement(drawn(1)),
        "4": measurement(drawn(2)),
        "5": measurement(drawn(1, (60, 45))),
    }
    scores = list(propose(rows, measured))
    assert [one["cause"] for one in scores] == ["BLURRED", "", "", "", "NEAR_DUPLICATE"]
    assert [one["copy_of"] for one in scores] == ["", "", "", "", "2"]
    assert [one["proposal"] for one in scores] == ["reject", "keep", "keep", "keep", "reject"]


def test_near_copies_of_a_picture_in_another_part_are_counted() -> None:
    rows = {file: {"concepts": ["bo"]} for file in ("train/1", "train/2", "test/1", "test/2")}
    pictures = zip(rows, (1, 1, 1, 2), strict=True)
    measured = {file: measurement(drawn(number)) for file, number in pictures}
    scores = list(propose(rows, measured))
    assert [one["copy_of"] for one in scores] == ["", "train/1", "train/1", ""]
    assert across_parts(scores) == 1


@pytest.mark.parametrize(
    ("likenesses", "rival", "said"),
    [
        ((0.9, 0.8), "", ""),
        ((0.9, 0.1), "", "SUBJECT_MISSING"),
        ((0.9, 0.4), "", "SUBJECT_UNLIKE"),
        ((0.9, 0.8), "bo", "SUBJECTS_FUSED"),
        ((0.9, 0.1), "bo", "SUBJECT_MISSING"),
    ],
)
def test_the_gravest_cause_is_named(likenesses: tuple[float, ...], rival: str, said: str) -> None:
    subjects = [{"likeness": one, "rival": rival} for one in likenesses]
    assert proposals._cause({"subjects": subjects, "quality": GOOD}) == said


def unit(*degrees: float) -> Vectors:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_likeness_is_0_for_strangers_and_1_among_ones_own() -> None:
    sticks = yardsticks({"bo": unit(0, 10), "mia": unit(100)})
    assert sticks["bo"].of(unit(100)[0]).scaled == pytest.approx(0, abs=1e-5)
    assert sticks["bo"].of(unit(20)[0]).scaled == pytest.approx(1, abs=1e-5)
    assert sticks["bo"].of(unit(10)[0]).cosine == pytest.approx(1)
    alone = yardsticks({"bo": unit(0)})["bo"]
    assert alone.of(unit(90)[0]).scaled == pytest.approx(0, abs=1e-5)
    twins = yardsticks({"bo": unit(0), "mia": unit(0)})["bo"]
    assert np.isfinite(twins.of(unit(5)[0]).scaled)


def subject(name: str, box: Sequence[float], planned: Sequence[float]) -> dict[str, Any]:
    return {"concept": name, "box": list(box), "planned_box": list(planned)}


def test_a_subject_is_looked_for_only_where_its_place_is_unknown() -> None:
    picture = Image.new("RGB", (40, 40), (20, 120, 20))
    picture.paste((250, 20, 20), (0, 0, 10, 10))
    looking = Looking((0, 0, 10, 10))
    red, green = (looking.embed([Image.new("RGB", (4, 4), one)]) for one in ("red", "green"))
    known = yardsticks({"red": red, "green": green})
    whole = (0, 0, 1, 1)
    (found,) = find_subjects(picture, [subject("red", (), whole)], looking.eyes, known)
    assert list(found.box) == [0, 0, 0.25, 0.25]
    assert found.likeness.scaled > 0.9
    assert looking.searched == 1
    both = [subject("red", (0.5, 0.5, 1, 1), whole), subject("green", (0.5, 0.5, 1, 1), whole)]
    wrong, right = find_subjects(picture, both, looking.eyes, known)
    assert (wrong.rival, right.rival) == ("green", "")
    assert looking.searched == 1


def test_the_table_counts_by_subjects_and_cause() -> None:
    table = table_of([(3, "BLURRED"), (1, ""), (1, "BLURRED"), (3, "BLURRED"), (3, "CUT")])
    assert table.pictures == {1: 2, 3: 3}
    assert table.by_cause() == {"BLURRED": 3, "CUT": 1}
    assert table.rejected[3, "BLURRED"] == 2


@pytest.mark.parametrize("causes", [(), ("BLURRED",), tuple(CAUSES)])
def test_the_figure_is_drawn_whatever_was_rejected(causes: Sequence[str]) -> None:
    table = table_of([(1, ""), *((1 + number % 3, one) for number, one in enumerate(causes))])
    figure = rejection_table(table)
    assert figure.startswith(b"\x89PNG")
    assert rejection_table(table) == figure


def test_what_is_no_finished_dataset_is_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(InvalidInput, match="holds no dataset"):
        open_finished(tmp_path)
    again = "end it with kith datagen make --engine playroom --split FILE --seed 0"
    seeds = out / "seeds" / open_finished(out).plan.concepts[0].name
    seeds.rename(out / "seeds" / "elsewhere")
    with pytest.raises(InvalidInput, match=f"not finished, {seeds}/train is missing; {again}"):
        open_finished(out).views(seeds.name)
    (out / "train" / "0001.jpg").unlink()
    with pytest.raises(InvalidInput, match=rf"not finished, train/0001\.jpg is missing; {again}"):
        open_finished(out)
    begun = commission(tmp_path / "begun" / "out")
    with begun.dataset.begun(begun.plan, begun.sources):
        pass
    with pytest.raises(InvalidInput, match="not finished"):
        open_finished(tmp_path / "begun" / "out")
