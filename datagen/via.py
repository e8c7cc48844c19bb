"""What somebody marked in VGG Image Annotator, as prompts for SAM.

Reads what VIA 1 and 2 export as JSON, and their project files (thesis 4.3.1). Coordinates are
pixels of the upright picture, origin at the top left.
"""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from kith.errors import InvalidInput

Box = tuple[float, float, float, float]

_GRID = 128  # cells along the longer side of a polygon, when its innermost point is looked for


class Point(NamedTuple):
    """A point on a thing, or beside it."""

    x: float
    y: float
    inside: bool = True


@dataclass(frozen=True)
class Prompt:
    """Where one thing, or one part of it, is: a box, points, or both."""

    box: Box | None
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Marked:
    """A picture and what was marked in it."""

    file: str
    """As VIA names it: relative to the folder of the pictures."""
    prompts: tuple[Prompt, ...]
    """At least one."""


def read_annotations(path: Path) -> list[Marked]:
    """What was marked in each picture, in the order of the file.

    A point is on the thing, unless one of its attributes in VIA says `outside`. Every rectangle,
    circle, ellipse and polygon is a prompt of its own: its box, its middle, and the points in it.
    The points that are in none make one more. Points outside count for all.

    Raises:
        InvalidInput: It can't be read or is no export of VIA, a picture has nothing marked on it,
            or a region has no shape that is known.
    """
    entries = _entries(path)
    marked = [_marked(path, entry) for entry in entries]
    if not marked:
        raise _wrong(path, "it names no picture; mark some in VIA and export it anew")
    names = [one.file for one in marked]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise _wrong(path, f"{twice[0]} stands in it twice; take one out")
    return marked


def _entries(path: Path) -> list[Mapping[str, Any]]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _wrong(
            path, f"can't be read ({error.strerror}); name a JSON export of VIA"
        ) from error
    except (ValueError, RecursionError) as error:
        raise _wrong(path, "it is no JSON; export annotations as JSON in VIA") from error
    if isinstance(content, dict):
        content = content.get("_via_img_metadata", content)
    known = isinstance(content, dict) and all(
        isinstance(entry, dict) and "filename" in entry and "regions" in entry
        for entry in content.values()
    )
    if not known:
        raise _wrong(path, "it is no annotation of VIA 2; export it there as JSON")
    return list(content.values())


def _marked(path: Path, entry: Mapping[str, Any]) -> Marked:
    name = str(entry["filename"])
    try:
        return Marked(name, _prompts(_regions(entry)))
    except KeyError as error:
        raise _wrong(path, f"{name}: a region lacks {error}; export it anew") from error
    except (ValueError, OverflowError) as error:
        raise _wrong(path, f"{name}: {error}") from error


def _regions(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    regions = entry["regions"]  # a list in VIA 2, by number in VIA 1
    regions = list(regions.values()) if isinstance(regions, dict) else regions
    if not isinstance(regions, list):
        raise ValueError(f"its regions are {json.dumps(regions)}, not a list; export it anew")
    return [_mapping("a region", region) for region in regions]


def _prompts(regions: Iterable[Mapping[str, Any]]) -> tuple[Prompt, ...]:
    areas: list[Prompt] = []
    points: list[Point] = []
    for region in regions:
        attributes = _mapping("a region's region_attributes", region.get("region_attributes", {}))
        outside = _says_outside(attributes)
        found = _read_shape(_mapping("a region's shape_attributes", region["shape_attributes"]))
        if isinstance(found, Prompt):
            if outside:
                raise ValueError("only a point may be outside; mark points beside the thing")
            areas.append(found)
        else:
            points += [point._replace(inside=not outside) for point in found]
    if not areas and not any(point.inside for point in points):
        raise ValueError("nothing is marked on the thing; set a point on it, or take it out")
    beside = [point for point in points if not point.inside]
    free = [p for p in points if p.inside and not any(_holds(area.box, p) for area in areas)]
    prompts = [
        Prompt(area.box, (*area.points, *(p for p in points if _holds(area.box, p) and p.inside)))
        for area in areas
    ]
    prompts += [Prompt(None, tuple(free))] if free else []
    return tuple(Prompt(one.box, (*one.points, *beside)) for one in prompts)


def _read_shape(shape: Mapping[str, Any]) -> Prompt | list[Point]:
    match shape["name"]:
        case "point":
            return [_point(shape["cx"], shape["cy"])]
        case "polyline":
            return _corners(shape)
        case "rect":
            x, y, _ = _point(shape["x"], shape["y"])
            wide, high = _number(shape["width"]), _number(shape["height"])
            return Prompt(_box(x, y, x + wide, y + high), ())
        case "circle" | "ellipse":
            x, y, _ = middle = _point(shape["cx"], shape["cy"])
            wide, high = _reach(shape)
            return Prompt(_box(x - wide, y - high, x + wide, y + high), (middle,))
        case "polygon":
            corners = _corners(shape)
            xs, ys = [corner.x for corner in corners], [corner.y for corner in corners]
            box = _box(min(xs), min(ys), max(xs), max(ys))
            return Prompt(box, (_innermost(corners, box),))
        case unknown:
            raise ValueError(f"a region is a {unknown!r}; mark it with points, boxes or polygons")


def _corners(shape: Mapping[str, Any]) -> list[Point]:
    xs, ys = shape["all_points_x"], shape["all_points_y"]
    if not (isinstance(xs, list) and isinstance(ys, list) and len(xs) == len(ys) > 0):
        raise ValueError("a region's all_points_x and all_points_y are no pairs; export it anew")
    return [_point(x, y) for x, y in zip(xs, ys, strict=True)]


def _reach(shape: Mapping[str, Any]) -> tuple[float, float]:
    """Half the width and half the height of the box around a circle, or a turned ellipse."""
    names = ("r", "r") if "r" in shape else ("rx", "ry")
    rx, ry, theta = map(_number, (shape[names[0]], shape[names[1]], shape.get("theta", 0.0)))
    cos, sin = math.cos(theta), math.sin(theta)
    return math.hypot(rx * cos, ry * sin), math.hypot(rx * sin, ry * cos)


def _innermost(polygon: list[Point], box: Box) -> Point:
    """The point of a polygon that lies deepest in it; the middle of one like a C lies beside it."""
    left, top, right, bottom = box
    cell = max(right - left, bottom - top) / _GRID
    size = (round((right - left) / cell) + 1, round((bottom - top) / cell) + 1)
    drawn = Image.new("1", size)
    corners = [((x - left) / cell, (y - top) / cell) for x, y, _ in polygon]
    ImageDraw.Draw(drawn).polygon(corners, fill=1)
    depth = ndimage.distance_transform_edt(np.pad(np.asarray(drawn), 1))[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return Point(left + float(column) * cell, top + float(row) * cell)


def _point(x: object, y: object) -> Point:
    return Point(_number(x), _number(y))


def _number(told: object) -> float:
    if isinstance(told, bool) or not isinstance(told, int | float) or not math.isfinite(told):
        raise ValueError(f"a region has {json.dumps(told)} for a number; export it anew")
    return float(told)


def _mapping(what: str, told: object) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ValueError(f"{what} is {json.dumps(told)}, not `name: value` pairs; export it anew")
    return told


def _box(x1: float, y1: float, x2: float, y2: float) -> Box:
    if not (math.isfinite(x1 + y1 + x2 + y2) and x1 < x2 and y1 < y2):
        raise ValueError(f"a region from {x1:g}, {y1:g} to {x2:g}, {y2:g} is empty; draw it anew")
    return float(x1), float(y1), float(x2), float(y2)


def _holds(box: Box | None, point: Point) -> bool:
    return box is not None and box[0] <= point.x <= box[2] and box[1] <= point.y <= box[3]


def _says_outside(attributes: Mapping[str, Any]) -> bool:
    """True for `outside` as a text, a choice, or one of the ticks of a checkbox."""
    values = attributes.values()
    return any(
        value == "outside" or (isinstance(value, dict) and value.get("outside")) for value in values
    )


def _wrong(path: Path, what: str) -> InvalidInput:
    return InvalidInput(
        f"annotations: {path}: {what}", reason="ANNOTATIONS_INVALID", field="annotations"
    )
