"""Who is taken for whom is counted in photos, of all in which it could be."""

from pathlib import Path
from typing import Any

from evaluation.report.confusion import Confusions
from evaluation.results import Answered, Part
from evaluation.samples import Control, Said, Sample, Task


def answered(method: str, photo: int, concept: str, *accepted: str) -> Answered:
    twins = {"bo": ["mika"], "mika": ["bo"]}[concept]
    sample = Sample(
        f"{concept}/{photo}",
        Task.LOOK_ALIKES,
        "d",
        "single",
        Path(f"{photo}.jpg"),
        (concept,),
        truth=twins,
    )
    found: dict[str, Any] = {"regions": [], "accepted": [{"concept": name} for name in accepted]}
    part = Part("d", Task.LOOK_ALIKES, Control.NOTHING, 0)
    return Answered(method, part, sample, Said(sample.id, found))


def test_pairs_stand_with_the_photos_that_they_are_of() -> None:
    confusions = Confusions()
    confusions.take(
        [
            answered("kith", 1, "bo", "bo"),
            answered("kith", 2, "bo", "bo", "mika"),
            answered("kith", 3, "mika", "mika", "lina"),
            answered("rap", 1, "bo", "mika"),
            answered("rap", 2, "bo", "mika"),
            answered("rap", 3, "mika", "bo"),
        ]
    )
    table = confusions.table(["kith", "none", "rap"])
    assert table.head == ("kith", "rap")
    (group,) = table.groups
    assert [(row.label, [cell.text for cell in row.cells]) for row in group.rows] == [
        ("bo taken for mika", ["1 of 2 photos", "2 of 2 photos"]),
        ("mika taken for bo", ["0 of 1 photo", "1 of 1 photo"]),
    ]
    assert "2 pairs" in table.notes[0]


def test_where_nobody_is_confused_there_is_no_line() -> None:
    confusions = Confusions()
    confusions.take([answered("kith", 1, "bo", "bo")])
    (group,) = confusions.table(["kith"]).groups
    assert not group.rows
