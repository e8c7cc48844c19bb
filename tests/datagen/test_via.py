"""What VIA exports becomes prompts, and what is no such export is refused by name."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from datagen.via import Point, Prompt, read_annotations
from kith.errors import InvalidInput

Region = dict[str, Any]


def region(attributes: dict[str, Any] | None = None, **shape: Any) -> Region:  # noqa: ANN401
    return {"shape_attributes": shape, "region_attributes": attributes or {}}


def saved(folder: Path, *regions: Region, name: str = "a.jpg") -> Path:
    path = folder / "via.json"
    entry = {"filename": name, "size": 10, "regions": list(regions), "file_attributes": {}}
    path.write_text(json.dumps({f"{name}10": entry}), encoding="utf-8")
    return path


def prompts(folder: Path, *regions: Region) -> tuple[Prompt, ...]:
    (marked,) = read_annotations(saved(folder, *regions))
    return marked.prompts


ON = region(name="point", cx=30, cy=40)


def test_points_of_one_picture_are_one_prompt(tmp_path: Path) -> None:
    found = prompts(tmp_path, ON, region(name="point", cx=50, cy=60))
    assert found == (Prompt(None, (Point(30, 40), Point(50, 60))),)


@pytest.mark.parametrize("says", [{"where": "outside"}, {"where": {"outside": True}}])
def test_a_point_marked_outside_lies_beside_the_thing(tmp_path: Path, says: dict[str, Any]) -> None:
    found = prompts(tmp_path, ON, region(says, name="point", cx=5, cy=6))
    assert found == (Prompt(None, (Point(30, 40), Point(5, 6, inside=False))),)


def test_a_rectangle_takes_the_points_in_it_and_others_stand_alone(tmp_path: Path) -> None:
    box = region(name="rect", x=20, y=20, width=30, height=30)
    found = prompts(tmp_path, box, ON, region(name="point", cx=90, cy=90))
    assert found == (
        Prompt((20, 20, 50, 50), (Point(30, 40),)),
        Prompt(None, (Point(90, 90),)),
    )


def test_a_circle_is_its_box_and_its_middle(tmp_path: Path) -> None:
    found = prompts(tmp_path, region(name="circle", cx=50, cy=40, r=10))
    assert found == (Prompt((40, 30, 60, 50), (Point(50, 40),)),)


def test_the_box_of_an_ellipse_turns_with_it(tmp_path: Path) -> None:
    shape = {"name": "ellipse", "cx": 50, "cy": 50, "rx": 20, "ry": 10}
    (upright,) = prompts(tmp_path, region(**shape, theta=math.pi / 2))
    assert upright.box == pytest.approx((40, 30, 60, 70))
    (slanted,) = prompts(tmp_path, region(**shape, theta=math.pi / 4))
    reach = math.sqrt((20**2 + 10**2) / 2)
    assert slanted.box == pytest.approx((50 - reach, 50 - reach, 50 + reach, 50 + reach))


def test_the_point_of_a_hollow_polygon_lies_in_it(tmp_path: Path) -> None:
    # A thick C: its middle, 50, 50, lies in the gap.
    xs = [0, 100, 100, 30, 30, 100, 100, 0]
    ys = [0, 0, 20, 20, 80, 80, 100, 100]
    (found,) = prompts(tmp_path, region(name="polygon", all_points_x=xs, all_points_y=ys))
    assert found.box == (0, 0, 100, 100)
    (point,) = found.points
    assert point.x < 30 or not 20 < point.y < 80


def test_older_exports_and_project_files_are_read_too(tmp_path: Path) -> None:
    entry = {"filename": "a.jpg", "size": 1, "regions": {"0": ON, "1": ON}}
    path = tmp_path / "via.json"
    path.write_text(json.dumps({"_via_settings": {}, "_via_img_metadata": {"a.jpg1": entry}}))
    (marked,) = read_annotations(path)
    assert marked.prompts == (Prompt(None, (Point(30, 40), Point(30, 40))),)


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ([], "a.jpg: nothing is marked"),
        ([region({"is": "outside"}, name="point", cx=1, cy=1)], "nothing is marked"),
        ([region({"is": "outside"}, name="circle", cx=9, cy=9, r=2)], "only a point"),
        ([region(name="rect", x=5, y=5, width=0, height=4)], "is empty"),
        ([region(name="point", cx=1)], "lacks 'cy'"),
        ([region(name="point", cx=float("nan"), cy=1)], "a region has NaN for a number"),
        ([region(name="point", cx="1", cy=1)], 'a.jpg: a region has "1" for a number'),
        ([region(name="rect", x=5, y=5, width="9", height=4)], 'has "9" for a number'),
        ([region(name="circle", cx=9, cy=9, r=True)], "has true for a number"),
        ([region(name="point", cx=10**400, cy=1)], "a.jpg: int too large"),
        ([region(name="polygon", all_points_x=[1, 2], all_points_y=[1])], "are no pairs"),
        ([region(name="polygon", all_points_x=[], all_points_y=[])], "are no pairs"),
        ([region(name="spiral")], "'spiral'"),
        ([{"region_attributes": {}}], "lacks 'shape_attributes'"),
        ([ON | {"shape_attributes": None}], "a region's shape_attributes is null, not `name:"),
        ([ON | {"region_attributes": []}], r"a region's region_attributes is \[\], not `name:"),
        (["point"], 'a.jpg: a region is "point", not `name: value` pairs'),
    ],
)
def test_a_region_that_says_nothing_is_refused_with_its_picture(
    tmp_path: Path, regions: list[Region], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        read_annotations(saved(tmp_path, *regions))
    assert "via.json" in str(refused.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"a": {"filename": "a.jpg", "regions": null}}', "a.jpg: its regions are null, not a l"),
        ("[]", "no annotation of VIA 2"),
        ("{}", "names no picture"),
        ('{"project": {"pid": "3"}}', "no annotation of VIA 2"),
    ],
)
def test_a_file_that_is_no_export_is_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "via.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput, match=said):
        read_annotations(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No such file"):
        read_annotations(tmp_path / "none.json")


def test_a_picture_that_is_named_twice_is_refused(tmp_path: Path) -> None:
    entry = {"filename": "a.jpg", "regions": [ON]}
    path = tmp_path / "via.json"
    path.write_text(json.dumps({"a.jpg1": entry, "a.jpg2": entry}), encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"a\.jpg stands in it twice"):
        read_annotations(path)
