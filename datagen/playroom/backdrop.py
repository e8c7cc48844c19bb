"""What is behind the concepts: places with clutter that is nobody's concept."""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import skia

from datagen.playroom.brush import Brush, curve, oval, polyline, rect
from datagen.playroom.palette import Rgb, darker, lighter, mix

PASTELS: tuple[Rgb, ...] = (
    (238, 214, 200),
    (206, 224, 214),
    (204, 218, 236),
    (232, 214, 232),
    (244, 230, 196),
    (216, 214, 224),
    (196, 224, 230),
    (240, 208, 206),
)
WOODS: tuple[Rgb, ...] = ((206, 168, 128), (178, 136, 104), (222, 196, 160), (168, 150, 140))


@lru_cache(maxsize=64)
def backdrop(seed: int, simple: bool) -> skia.Picture:
    """A place of 100 by 100 units, its horizon between 52 and 66.

    Args:
        seed: which place, and what stands about in it.
        simple: a bare studio, for portraits.
    """
    rng = np.random.Generator(np.random.PCG64([seed, 11]))
    brush = Brush()
    places: tuple[Callable[[Brush, np.random.Generator], None], ...]
    places = (
        (_studio,) if simple else (_room, _room, _meadow, _meadow, _beach, _street, _snow, _studio)
    )
    places[rng.integers(len(places))](brush, rng)
    return brush.finish().picture


def _studio(brush: Brush, rng: np.random.Generator) -> None:
    wall, floor = (PASTELS[i] for i in rng.integers(len(PASTELS), size=2))
    y = _between(rng, 56, 66)
    _band(brush, -30, y + 1, lighter(wall, 0.35), wall)
    _band(brush, y, 130, darker(floor, 0.06), lighter(floor, 0.25))
    if rng.random() < 0.5:
        cx, r = _between(rng, 25, 75), _between(rng, 22, 36)
        brush.flat(oval(cx, y - 18, r, r), lighter(wall, 0.5), 0.7)


def _room(brush: Brush, rng: np.random.Generator) -> None:
    wall, wood = PASTELS[rng.integers(len(PASTELS))], WOODS[rng.integers(len(WOODS))]
    y = _between(rng, 58, 66)
    _band(brush, -30, y + 1, lighter(wall, 0.2), darker(wall, 0.05))
    paper = rng.integers(3)
    for i in range(-1, 12):
        if paper == 0:
            brush.flat(rect(i * 10.0, -30, 4, y + 30), lighter(wall, 0.4), 0.6)
        elif paper == 1:
            for j in range(7):
                brush.flat(oval(i * 10.0 + 5 * (j % 2), j * 10.0, 1, 1), darker(wall, 0.2), 0.6)
    _band(brush, y, 130, wood, darker(wood, 0.12))
    for i in range(-4, 16):
        brush.line(
            polyline([(50 + (i * 9 - 50) * 0.75, y), (50 + (i * 9 - 50) * 1.7, 110)]),
            darker(wood, 0.25),
            0.5,
            0.7,
        )
    brush.flat(rect(-10, y - 3, 120, 3.2), (250, 247, 240))
    x = _between(rng, 8, 66)
    if rng.random() < 0.5:
        brush.fill(rect(x, 8, 28, 30, 1), (252, 250, 246), outline=0.8)
        brush.fill(rect(x + 2.5, 10.5, 23, 25), (176, 216, 240), outline=0.6)
        brush.line(polyline([(x + 14, 10), (x + 14, 36)]), (252, 250, 246), 1.8)
        brush.line(polyline([(x + 3, 22), (x + 25, 22)]), (252, 250, 246), 1.8)
    else:
        for i in range(2):
            frame = PASTELS[rng.integers(len(PASTELS))]
            at = x + 19 * i - 4
            brush.fill(rect(at, 12 + 5 * i, 15, 18), darker(wood, 0.25), outline=0.8)
            brush.fill(rect(at + 2, 14 + 5 * i, 11, 14), frame, outline=0)
            brush.flat(oval(at + 7.5, 22 + 5 * i, 3.6, 3.6), darker(frame, 0.2))
    if rng.random() < 0.6:
        rug = PASTELS[rng.integers(len(PASTELS))]
        brush.fill(oval(_between(rng, 30, 70), 84, 42, 9), darker(rug, 0.12), outline=0.7)
    if rng.random() < 0.5:
        _plant(brush, _between(rng, 4, 96), y + 6)


def _meadow(brush: Brush, rng: np.random.Generator) -> None:
    _sky(brush, rng)
    y = _between(rng, 54, 64)
    green: Rgb = mix((140, 190, 104), (176, 186, 96), rng.random())
    for k, tint in enumerate((0.5, 0.28)):
        phase = _between(rng, 0, 6)
        crest = [(x, y - 9 + 6 * k + 5 * math.sin(0.07 * x + phase)) for x in range(-10, 121, 13)]
        brush.flat(
            curve([*crest, (130, 120), (-20, 120)], closed=True), mix(green, (190, 220, 232), tint)
        )
    for _ in range(rng.integers(5)):
        x, r = _between(rng, 0, 100), _between(rng, 3, 6)
        for dx, size in ((-1.0, 0.8), (0.0, 1.1), (1.0, 0.7)):
            brush.flat(
                oval(x + dx * r, y - 1 - size * r * 0.5, r * size, r * size),
                darker(green, 0.28),
                0.85,
            )
    _band(brush, y, 130, lighter(green, 0.1), darker(green, 0.08))
    for _ in range(rng.integers(4, 14)):
        x, at = _between(rng, 0, 100), _between(rng, y + 3, 99)
        if rng.random() < 0.5:
            brush.flat(
                oval(x, at, 1.1, 1.1),
                ((255, 255, 255), (252, 224, 120), (246, 176, 200))[rng.integers(3)],
            )
        else:
            brush.line(
                polyline([(x, at), (x + 0.8, at - 2.6), (x + 1.6, at)]), darker(green, 0.3), 0.7
            )
    if rng.random() < 0.35:
        for x in range(-4, 108, 11):
            brush.fill(rect(x, y - 9, 3.4, 13, 1), (236, 226, 208), outline=0.5)
        for rail in (-6.5, -1.5):
            brush.fill(rect(-10, y + rail, 120, 2), (236, 226, 208), outline=0.5)


def _beach(brush: Brush, rng: np.random.Generator) -> None:
    _sky(brush, rng)
    y = _between(rng, 52, 60)
    _band(brush, y - 14, y + 6, (96, 172, 206), (150, 214, 222))
    for _ in range(6):
        x, at = _between(rng, 0, 90), _between(rng, y - 12, y + 1)
        brush.line(polyline([(x, at), (x + 7, at)]), (255, 255, 255), 0.6, 0.6)
    shore = [(x, y + 3 + 1.5 * math.sin(0.2 * x)) for x in range(-10, 121, 13)]
    brush.flat(curve([*shore, (130, 120), (-20, 120)], closed=True), (250, 246, 236))
    _band(brush, y + 6, 130, (242, 222, 178), (226, 198, 150))
    for _ in range(rng.integers(3, 12)):
        brush.flat(
            oval(_between(rng, 0, 100), _between(rng, y + 8, 99), 1.5, 0.8), (198, 168, 130), 0.8
        )


def _street(brush: Brush, rng: np.random.Generator) -> None:
    _sky(brush, rng)
    y = _between(rng, 58, 66)
    x = _between(rng, -14, -4)
    while x < 104:
        wide, high = _between(rng, 14, 24), _between(rng, 22, 46)
        wall = darker(PASTELS[rng.integers(len(PASTELS))], 0.1)
        brush.fill(rect(x, y - high, wide, high), wall, outline=0.6, depth=0.5)
        for row in range(int(high // 9)):
            for column in range(int(wide // 6)):
                at = (x + 2.2 + 5.8 * column, y - high + 3 + 9 * row)
                brush.flat(
                    rect(*at, 3, 4.4),
                    (250, 240, 200) if (row + column) % 3 else (140, 160, 184),
                    0.9,
                )
        x += wide
    _band(brush, y, y + 7, (214, 210, 206), (200, 196, 194))
    _band(brush, y + 7, 130, (176, 176, 182), (158, 158, 166))
    if rng.random() < 0.5:
        for i in range(6):
            brush.flat(rect(i * 20.0 - 6, y + 22, 11, 2.2), (244, 242, 232), 0.85)


def _snow(brush: Brush, rng: np.random.Generator) -> None:
    _band(brush, -30, 70, (168, 192, 224), (232, 238, 246))
    y = _between(rng, 56, 64)
    for _ in range(6):
        x, high = _between(rng, 0, 100), _between(rng, 9, 18)
        fir = polyline([(x, y - high), (x + high * 0.34, y + 1), (x - high * 0.34, y + 1)], True)
        brush.flat(fir, (134, 162, 168))
    _band(brush, y, 130, (246, 249, 252), (216, 226, 238))
    for _ in range(24):
        size = _between(rng, 0.4, 0.9)
        brush.flat(
            oval(_between(rng, 0, 100), _between(rng, 0, 100), size, size), (255, 255, 255), 0.9
        )


def _sky(brush: Brush, rng: np.random.Generator) -> None:
    tops: tuple[Rgb, ...] = ((132, 192, 238), (168, 206, 232), (246, 196, 156), (176, 176, 222))
    top = tops[rng.integers(len(tops))]
    _band(brush, -30, 70, top, mix(top, (252, 244, 234), 0.75))
    for _ in range(rng.integers(4)):
        x, y, size = _between(rng, 0, 100), _between(rng, 5, 30), _between(rng, 2.5, 5)
        for dx, r in ((-1.5, 0.7), (0.0, 1.0), (1.5, 0.65)):
            brush.flat(oval(x + dx * size, y, size * r * 1.5, size * r), (255, 255, 255), 0.7)


def _plant(brush: Brush, x: float, y: float) -> None:
    for turn in (-42, -18, 4, 26, 48):
        with brush.moved(x, y - 8, turn):
            brush.flat(oval(0, -9, 2.6, 9), (112, 158, 118))
    brush.fill(
        polyline([(x - 5, y - 9), (x + 5, y - 9), (x + 3.6, y), (x - 3.6, y)], True),
        (190, 130, 104),
        outline=0.7,
    )


def _band(brush: Brush, top: float, bottom: float, high: Rgb, low: Rgb) -> None:
    area = rect(-30, top, 160, bottom - top)
    brush.wash(area, high, low, max(top, 0), min(bottom, 100))


def _between(rng: np.random.Generator, low: float, high: float) -> float:
    return low + (high - low) * float(rng.random())
