"""Landmarks: a slender tower, a domed hall or a broad gate."""

import skia

from datagen.playroom.brush import Brush, oval, polyline, rect, rounded
from datagen.playroom.palette import CREAM, GOLD, INK, darker
from datagen.playroom.things.look import RED, Look, star_badge


def landmark(brush: Brush, look: Look) -> None:
    """A monument whose build is the kind of building it is."""
    top = {"slim": _tower, "round": _dome, "sturdy": _gate}[look.concept.build](brush, look)
    if look.concept.accessory == "red flag":
        brush.line(polyline([(0, top + 1), (0, top - 20)]), INK, 2)
        brush.fill(
            polyline([(0.5, top - 20), (19, top - 14), (0.5, top - 8)], True), RED, outline=1.2
        )


def _tower(brush: Brush, look: Look) -> float:
    high = look.ratio(0, 84, 100)
    foot, head = look.ratio(1, 15, 18), look.ratio(2, 9.5, 12)
    brush.fill(
        rounded([(-foot - 7, -8), (foot + 7, -8), (foot + 10, 0), (-foot - 10, 0)], 2),
        darker(look.main, 0.2),
    )
    brush.fill(
        polyline([(-head, -high), (head, -high), (foot, -7), (-foot, -7)], True), look.coat(13)
    )
    _door(brush, 0, -7, 5, 13)
    brush.fill(rect(-head - 6, -high - 4, 2 * head + 12, 6, 2), look.second)
    brush.fill(rect(-head + 1, -high - 17, 2 * head - 2, 14, 1), (255, 232, 150))
    brush.line(polyline([(0, -high - 16), (0, -high - 4)]), INK, 1.4)
    peak = -high - 17 - look.ratio(3, 15, 26)
    brush.fill(
        polyline([(0, peak), (head + 5, -high - 16), (-head - 5, -high - 16)], True), look.second
    )
    _ornament(brush, look, -high * 0.68, 8)
    return peak


def _dome(brush: Brush, look: Look) -> float:
    half = look.ratio(0, 40, 48)
    wall = look.ratio(1, 26, 34)
    brush.fill(
        rounded([(-half - 8, -7), (half + 8, -7), (half + 12, 0), (-half - 12, 0)], 2),
        darker(look.main, 0.2),
    )
    for side in (-1, 1):
        x = side * (half + 1)
        brush.fill(rect(x - 6, -wall - 25, 12, wall + 19, 1), look.main)
        brush.fill(
            skia.Op(
                oval(x, -wall - 25, 8, 13), rect(x - 20, -wall - 50, 40, 26), skia.kIntersect_PathOp
            ),
            look.second,
        )
    radius = half * look.ratio(2, 0.68, 0.78)
    base = -7 - wall
    dome = skia.Op(
        oval(0, base - 3, radius, radius * look.ratio(3, 1.0, 1.25), 0.1),
        rect(-90, base - 100, 180, 100),
        skia.kIntersect_PathOp,
    )
    brush.fill(dome, look.second)
    brush.fill(rect(-half + 3, base, 2 * half - 6, wall, 2), look.coat(12))
    for x in (-half * 0.6, half * 0.6):
        _door(brush, x, -7, 4.5, wall * 0.6)
    _door(brush, 0, -7, 7.5, wall * 0.75)
    top: float = dome.computeTightBounds().top()
    brush.fill(oval(0, top - 2, 3, 4), GOLD, outline=1.2)
    _ornament(brush, look, base - radius * 0.45, 10)
    return top - 5


def _gate(brush: Brush, look: Look) -> float:
    half, high = look.ratio(0, 40, 48), look.ratio(1, 60, 74)
    gap = half * look.ratio(2, 0.36, 0.46)
    for side in (-1, 1):
        x = side * (half - 2)
        brush.fill(rect(x - 12, -high - 10, 24, high + 10, 1), look.main)
        brush.fill(
            rounded(
                [(x - 15, -high - 8), (x, -high - 8 - look.ratio(3, 18, 28)), (x + 15, -high - 8)],
                1.5,
            ),
            look.second,
        )
    wall = skia.Path()
    wall.addRect(skia.Rect.MakeLTRB(-half + 9, -high, half - 9, 0))
    arch = skia.Path()
    arch.addRoundRect(skia.Rect.MakeLTRB(-gap, -high * 0.6, gap, 40), gap, gap)
    brush.fill(skia.Op(wall, arch, skia.kDifference_PathOp), look.coat(12.5))
    teeth = 4
    step = (2 * half - 18) / (2 * teeth - 1)
    for i in range(teeth):
        brush.fill(rect(-half + 9 + 2 * i * step, -high - 8, step, 10), look.second, outline=1.2)
    _ornament(brush, look, -high * 0.8, 9)
    return -high - 8


def _door(brush: Brush, x: float, bottom: float, half: float, high: float) -> None:
    door = rect(x - half, bottom - high, 2 * half, high + half, half)
    brush.flat(
        skia.Op(door, rect(x - 40, -200, 80, 200 + bottom), skia.kIntersect_PathOp), (74, 48, 58)
    )


def _ornament(brush: Brush, look: Look, y: float, size: float) -> None:
    if look.concept.accessory == "clock face":
        brush.fill(oval(0, y, size, size), CREAM)
        brush.line(
            polyline([(0, y - size * 0.65), (0, y), (size * 0.45, y + size * 0.2)]), INK, 1.9
        )
    elif look.concept.accessory == "gold star":
        star_badge(brush, 0, y, size * 0.95)
