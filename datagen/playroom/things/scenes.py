"""Scenes fill a square of 100 by 100 units; whatever stands in them stands on the ground."""

import math

import skia

from datagen.playroom.brush import Brush, Coat, Point, curve, oval, polyline, rect, rounded
from datagen.playroom.palette import CREAM, Rgb, darker, lighter, mix
from datagen.playroom.things.look import RED, Look

FIELD = (0.0, 0.0, 100.0, 100.0)
GRASS: Rgb = (132, 190, 104)
SKIES: tuple[tuple[Rgb, Rgb], ...] = (
    ((126, 190, 240), (226, 242, 252)),
    ((250, 190, 140), (255, 236, 206)),
    ((150, 160, 222), (240, 216, 236)),
    ((110, 200, 214), (232, 248, 232)),
)
RAINBOW: tuple[Rgb, ...] = (
    (232, 84, 80),
    (246, 164, 70),
    (250, 222, 98),
    (118, 190, 104),
    (86, 140, 220),
    (150, 102, 196),
)


def mountain(brush: Brush, look: Look) -> None:
    """A peak, a rounded hill or a table mountain behind a meadow."""
    _sky(brush, look)
    _hills(brush, look, 66)
    peak = look.ratio(0, 10, 18)
    x = look.ratio(1, 38, 62)
    if look.concept.build == "slim":
        points = [
            (x - 38, 78),
            (x - 20, 46),
            (x - 13, 42),
            (x, peak),
            (x + 9, 34),
            (x + 15, 40),
            (x + 36, 78),
        ]
        shape = rounded(points, 2)
    elif look.concept.build == "round":
        shape = curve(
            [(x - 54, 80), (x - 36, 46), (x, peak + 8), (x + 36, 46), (x + 54, 80)], closed=True
        )
    else:
        points = [
            (x - 50, 80),
            (x - 38, 50),
            (x - 29, 46),
            (x - 25, peak + 11),
            (x + 25, peak + 9),
            (x + 29, 44),
            (x + 39, 52),
            (x + 50, 80),
        ]
        shape = rounded(points, 3)
    brush.fill(shape, look.coat(11), outline=1.0)
    with brush.inside(shape):
        box = shape.getBounds()
        low = box.top() + look.ratio(2, 13, 17)
        zigzag: list[Point] = [(-10, -20), (110, -20), (110, low)]
        zigzag += [(100 - 6 * i, low + (4.5 if i % 2 else -2.5)) for i in range(19)]
        brush.fill(polyline(zigzag, True), look.second, outline=0.8)
        brush.flat(
            polyline([(x + 4, 0), (110, 0), (110, 90), (x + 16, 90)], True), (28, 18, 48), 0.13
        )
    _ground(brush, look, 70, GRASS)


def waterfall(brush: Brush, look: Look) -> None:
    """Water over a cliff: one thread, a wide curtain or steps."""
    _sky(brush, look)
    cliff_top = look.ratio(0, 16, 24)
    x = look.ratio(1, 42, 58)
    rocks: list[Point] = [
        (-5, cliff_top + 3),
        (16, cliff_top - 4),
        (30, cliff_top + 3),
        (x, cliff_top),
        (72, cliff_top + 3),
        (86, cliff_top - 5),
        (105, cliff_top + 2),
    ]
    brush.fill(rounded([*rocks, (105, 82), (-5, 82)], 4), look.coat(12), outline=1.0)
    half = look.by_build(8, 21, 11) * look.ratio(2, 0.92, 1.1)
    water, foam = look.second, lighter(look.second, 0.6)
    if look.concept.build == "sturdy":
        levels = [(half, cliff_top + 1, 42), (half * 1.6, 40, 60), (half * 2.2, 58, 76)]
    else:
        levels = [(half, cliff_top + 1, 76)]
    for wide, top, bottom in levels:
        fall = rounded(
            [
                (x - wide, top),
                (x + wide, top),
                (x + wide * 1.12, bottom),
                (x - wide * 1.12, bottom),
            ],
            look.by_build(3, 9, 1),
        )
        brush.fill(fall, water, outline=1.0)
        for i in range(4):
            at = x + wide * (-0.62 + 0.42 * i)
            brush.line(
                polyline([(at, top + 4 + 2 * (i % 2)), (at, bottom - 4 - 3 * (i % 3))]),
                foam,
                1.5,
                0.75,
            )
    _ground(brush, look, 76, GRASS)
    brush.fill(oval(x, 83, 33, 8.5), water, outline=1.0)
    for i in range(7):
        brush.flat(oval(x - half * 2.4 + half * 0.8 * i, 77 - (i % 2), 4.4, 3), foam, 0.8)
    brush.line(curve([(x - 18, 85), (x - 9, 86.5), (x, 85)]), foam, 1.1, 0.8)
    brush.line(curve([(x + 4, 88), (x + 12, 89), (x + 19, 87.6)]), foam, 1.1, 0.8)


def forest(brush: Brush, look: Look) -> None:
    """Firs, leafy crowns or trimmed trees, in two rows."""
    _sky(brush, look)
    back = mix(darker(look.main, 0.1), (200, 226, 236), 0.42)
    for i in range(7):
        _tree(brush, look, 4 + 15.5 * i, 66, 0.62, back, mix(look.second, back, 0.5))
    _ground(brush, look, 66, GRASS)
    xs = (9, 32, 57, 82) if look.pick(0, 2) else (18, 44, 69, 93)
    for i, x in enumerate(xs):
        tall = look.ratio(1 + i % 3, 0.9, 1.1) * (1.0 if i % 2 else 1.12)
        _tree(brush, look, x, 76 + 3 * (i % 2), tall, look.coat(9), look.second)


def _tree(
    brush: Brush, look: Look, x: float, y: float, size: float, crown: Coat | Rgb, trunk: Rgb
) -> None:
    high = 52 * size
    brush.limb([(x, y), (x, y - high * 0.5)], trunk, 5.2 * size)
    if look.concept.build == "slim":
        for k in range(3):
            top = y - high + k * high * 0.21
            wide = (8 + 3.4 * k) * size
            brush.fill(
                rounded(
                    [(x, top - 4), (x + wide, top + high * 0.3), (x - wide, top + high * 0.3)], 1.6
                ),
                crown,
                outline=1.0,
            )
    elif look.concept.build == "round":
        brush.fill(oval(x, y - high * 0.66, 13.5 * size, 16 * size), crown, outline=1.0)
    else:
        brush.fill(
            rect(x - 12 * size, y - high * 0.98, 24 * size, 29 * size, 4 * size), crown, outline=1.0
        )


def barn(brush: Brush, look: Look) -> None:
    """A barn on a field: with a silo, with a round roof, or broad and gabled."""
    _sky(brush, look)
    _hills(brush, look, 64)
    _ground(brush, look, 68, mix(GRASS, (222, 196, 96), 0.45))
    x = look.ratio(0, 42, 56)
    half = look.by_build(19, 27, 33) * look.ratio(1, 0.95, 1.06)
    eave = look.by_build(34, 42, 46)
    base = 78.0
    second = look.second
    if look.concept.build == "slim":
        silo = x + half + 10
        brush.fill(rect(silo - 8.5, 26, 17, base - 26, 2), lighter(look.main, 0.2))
        brush.fill(
            skia.Op(oval(silo, 27, 10, 11), rect(silo - 20, 0, 40, 28), skia.kIntersect_PathOp),
            second,
        )
        roof = [(x - half - 4, eave + 1), (x, eave - 22), (x + half + 4, eave + 1)]
        wall = polyline(
            [
                (x - half, base),
                (x - half, eave),
                (x, eave - 19),
                (x + half, eave),
                (x + half, base),
            ],
            True,
        )
    elif look.concept.build == "round":
        roof = []
        wall = skia.Op(
            oval(x, eave + 2, half, 24, 0.1),
            rect(x - half, eave + 2, 2 * half, base - eave - 2),
            skia.kUnion_PathOp,
        )
    else:
        roof = [
            (x - half - 4, eave + 1),
            (x - half * 0.66, eave - 15),
            (x, eave - 23),
            (x + half * 0.66, eave - 15),
            (x + half + 4, eave + 1),
        ]
        wall = polyline(
            [(x - half, base), *roof[:1], *roof[1:-1], *roof[-1:], (x + half, base)], True
        )
    brush.fill(wall, look.coat(9.5))
    if roof:
        line = polyline(roof)
    else:
        line = skia.Path()
        line.addArc(skia.Rect.MakeLTRB(x - half - 1, eave - 24, x + half + 1, eave + 28), 178, 184)
    brush.line(line, darker(second, 0.45), 8.2)
    brush.line(line, second, 6.2)
    door = rect(x - 9, base - 20, 18, 20, 1)
    brush.fill(door, darker(look.main, 0.55))
    for bar in ([(x - 9, base - 20), (x + 9, base)], [(x + 9, base - 20), (x - 9, base)]):
        brush.line(polyline(bar), CREAM, 1.8)
    brush.line(door, CREAM, 2)
    brush.fill(oval(x, eave - 2, 5, 5), (255, 240, 190))


def _sky(brush: Brush, look: Look) -> None:
    high, low = SKIES[look.pick(5, len(SKIES))]
    brush.wash(rect(-30, -30, 160, 160), high, low, 0, 70)
    for i in range(2):
        cx, cy = look.ratio(6 + i, 8, 92), 9 + 11 * i
        for dx, r in ((-6, 3.2), (0, 4.6), (6, 3.0)):
            brush.flat(oval(cx + dx, cy, r * 1.5, r), (255, 255, 255), 0.72)
    kind = look.concept.accessory
    far = look.pick(6, 2) == 0
    if kind == "rainbow":
        for i, color in enumerate(RAINBOW):
            arc = skia.Path()
            reach = 46 - 2.6 * i
            arc.addArc(skia.Rect.MakeLTRB(50 - reach, 52 - reach, 50 + reach, 52 + reach), 180, 180)
            brush.line(arc, color, 2.9)
    elif kind == "white moon":
        disc = oval(83 if far else 17, 14, 8.5, 8.5)
        brush.fill(disc, (255, 253, 240), outline=0.9, depth=0.4)
        brush.flat(oval(85 if far else 19, 12, 1.9, 1.9), (206, 204, 210))
        brush.flat(oval(80 if far else 14, 16, 1.4, 1.4), (206, 204, 210))
    if kind == "red balloon":
        bx = 82 if far else 18
        brush.line(polyline([(bx - 3, 22), (bx - 2, 28)]), (90, 60, 50), 0.8)
        brush.line(polyline([(bx + 3, 22), (bx + 2, 28)]), (90, 60, 50), 0.8)
        brush.fill(oval(bx, 14, 8.6, 9.6), RED, outline=1.0)
        brush.fill(rect(bx - 2.8, 27, 5.6, 4.4, 1), (160, 108, 62), outline=0.8)


def _hills(brush: Brush, look: Look, y: float) -> None:
    tint = (158, 196, 190)
    crest = [
        (x, y - 6 - 5 * math.sin(0.09 * x + 6 * look.ratio(7, 0, 1))) for x in range(-10, 121, 13)
    ]
    brush.flat(polyline([*crest, (120, 110), (-10, 110)], True), tint)


def _ground(brush: Brush, look: Look, y: float, color: Rgb) -> None:
    field = skia.Path()
    field.moveTo(-30, y)
    field.quadTo(50, y - look.ratio(4, 2, 7), 130, y)
    field.lineTo(130, 130)
    field.lineTo(-30, 130)
    field.close()
    brush.wash(field, lighter(color, 0.2), darker(color, 0.12), y - 4, 104)
    for i in range(9):
        x = (11.7 * i + 37 * look.ratio(8, 0, 1)) % 100
        at = y + 5 + (i * 7) % 20
        brush.line(
            polyline([(x, at), (x + 1, at - 2.4), (x + 2, at)]), darker(color, 0.3), 0.7, 0.7
        )
