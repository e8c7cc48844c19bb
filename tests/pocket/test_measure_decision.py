from collections.abc import Sequence
from math import asin
from pathlib import Path

import numpy as np
import pytest

from evaluation.bench import OUTSIDE, OUTSIDE_MULTI
from pocket import measure_decision
from pocket.looking import Known, Looked, Seen, Vectors
from pocket.patches import Patches

STRANGER_DISTANCE = 0.6
NAMES = ("bo", "mia", "tom")


def vectors(*places: tuple[int, float]) -> Vectors:
    """[n, 8]: of each (concept, distance), a vector so far from the concept's own direction."""
    found = np.zeros((len(places), 8), np.float32)
    for row, (concept, distance) in zip(found, places, strict=True):
        angle = 2 * asin(distance / 2)
        row[concept], row[concept + 4] = np.cos(angle), np.sin(angle)
    return found


def patches_of(regions: Vectors) -> Patches:
    """[n, 1, 8]: each picture is a single patch."""
    return regions[:, None]


def seen(kind: str, who: Sequence[int], distance: float) -> Seen:
    regions = vectors(*((one, distance) for one in who), (3, 0.0))  # the whole photo last
    categories = [*(NAMES[one] for one in who), ""]
    truth = frozenset(NAMES[one] for one in who) if kind.isdigit() else frozenset[str]()
    boxes = [(10.0 * n, 0.0, 10.0 * n + 9, 9.0) for n in range(len(regions))]
    return Seen(kind, truth, categories, boxes, *[regions] * 6, patches=patches_of(regions))


def with_a_part(photo: Seen) -> Seen:
    """The same photo, of which the detector finds a part of the first thing too."""
    x1, y1, x2, y2 = photo.boxes[0]
    part, regions = vectors((0, 0.35)), photo.plain
    both = np.concatenate([regions[:1], part, regions[1:]])
    boxes = [photo.boxes[0], (x1 + 2, y1 + 2, x2 - 2, y2 - 2), *photo.boxes[1:]]
    categories = [photo.categories[0], "", *photo.categories[1:]]
    return Seen(photo.kind, photo.truth, categories, boxes, *[both] * 6, patches=patches_of(both))


def rows(lines: Sequence[str]) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("| ").split("|")] for line in lines]
    return {name: [figure.split(" (")[0] for figure in figures] for name, *figures in cells}


@pytest.fixture
def tables(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, list[str]]]:
    """The figures by idea. `bo` has one view, `mia` and `tom` have three; 158 others have one."""

    async def looked_at(folder: Path) -> Looked:
        known = []
        for number, name in enumerate(NAMES):
            views = vectors(*[(number, 0.0)] * (1 if name == "bo" else 3))
            known.append(Known(name, name, *[views] * 3, patches=patches_of(views)))
        photos = [
            seen("1", [0], 0.3),
            with_a_part(seen("1", [0], 0.3)),
            seen("2", [0, 1], 0.3),
            seen("3", [0, 1, 2], 0.3),
            seen(OUTSIDE, [1], 0.58),
            seen(OUTSIDE_MULTI, [0, 1], 0.61),
        ]
        away = vectors((3, 1.0))
        crowd = [
            Known(f"other {number}", "other", *[away] * 3, patches=patches_of(away))
            for number in range(158)
        ]
        return Looked(known, crowd, photos, STRANGER_DISTANCE)

    monkeypatch.setattr(measure_decision, "looked_at", looked_at)
    lines = "\n".join(measure_decision.measure([Path()]))
    return [rows(table.splitlines()) for table in lines.split("\n\n")]


@pytest.fixture
def table(tables: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    return tables[0]


def test_as_shipped_each_is_found_and_a_stranger_is_nobody(table: dict[str, list[str]]) -> None:
    assert table["as shipped"] == ["1.000"] * 5 + ["0.000"] * 2


def test_in_a_crowd_distances_grow_by_a_power(tables: list[dict[str, list[str]]]) -> None:
    crowd = tables[1]
    assert "memory of 161, the 3 of the photos known by" in crowd
    # Known by one view, `mia` is one of 161 such, and the stranger at 0.58 no longer near her.
    assert crowd["one view, power 0.0"][-2:] == ["1.000", "0.000"]
    assert crowd["one view, power 0.08"] == ["1.000"] * 5 + ["0.000"] * 2


def test_an_idea_changes_what_it_is_about_and_nothing_else(table: dict[str, list[str]]) -> None:
    found = ["1.000"] * 5
    assert table["several views count as one"] == [*found, "1.000", "0.000"]
    assert table["5 % laxer"] == [*found, "1.000", "1.000"]
    assert table["no threshold"][-2:] == ["1.000", "1.000"]
    assert table["the mean of the views"] == table["as shipped"]
    assert table["the best pairing of all"] == table["as shipped"]


def test_what_says_the_same_changes_nothing(table: dict[str, list[str]]) -> None:
    # Here patches, and pictures without what is behind them, are the pictures themselves.
    for idea in (
        "patches alone",
        "views and regions without it",
        "a distance for each category",
        "the nearest view of another is a rejected one",
    ):
        assert table[idea] == table["as shipped"]


def test_in_memories_of_ten_each_photo_is_held_against_its_own(
    tables: list[dict[str, list[str]]],
) -> None:
    assert tables[2]["all views"] == tables[0]["as shipped"]
