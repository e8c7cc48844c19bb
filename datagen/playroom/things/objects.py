"""Objects that hold no drink. Each is drawn 60 to 100 units high, its front towards us."""

import skia

from datagen.playroom.brush import Brush, curve, oval, polyline, rect, rounded
from datagen.playroom.palette import CREAM, INK, darker, lighter
from datagen.playroom.things.look import Look, badge, eyes, glint, smile


def plush_toy(brush: Brush, look: Look) -> None:
    """A sewn bear with round ears."""
    wide = look.by_build(0.8, 1.14, 1.06)
    square = look.by_build(0.1, 0.0, 0.7)
    main, head_y = look.main, -66 * look.ratio(0, 0.97, 1.05)
    for side in (-1, 1):
        ear = look.ratio(1, 8, 11)
        brush.fill(oval(side * 19 * wide, head_y - 17, ear, ear), main)
        brush.fill(
            oval(side * 19 * wide, head_y - 17, ear * 0.55, ear * 0.55), look.second, outline=1.0
        )
        brush.limb(
            [(side * 15 * wide, -40), (side * 27 * wide, -33), (side * 30 * wide, -24)], main, 13
        )
        brush.fill(oval(side * 15 * wide, -9, 10.5, 9), main)
    body = oval(0, -28, 21 * wide, 25, square)
    brush.fill(body, look.coat(12))
    if look.concept.pattern == "plain":
        brush.fill(oval(0, -26, 12.5 * wide, 15, square), look.second, outline=1.0)
    for side in (-1, 1):
        brush.fill(oval(side * 17 * wide, -7.5, 9.5, 7.5), main)
        brush.fill(oval(side * 18 * wide, -7, 5.4, 4.4), look.second, outline=0.9)
    brush.fill(oval(0, head_y, 24 * wide, 21, square), main)
    brush.fill(oval(0, head_y + 7, 11 * wide, 8.5), look.second, outline=1.0)
    eyes(brush, 0, head_y - 3, 10 * wide, 2.7)
    brush.flat(oval(0, head_y + 3, 4, 2.8), INK)
    smile(brush, 0, head_y + 8, 3.6)
    badge(brush, look, 0, -36, 9)


def shoe(brush: Brush, look: Look) -> None:
    """A laced shoe with its toe to the right: low, chunky or a boot."""
    shaft = look.by_build(31, 38, 62) * look.ratio(0, 0.93, 1.07)
    sole = look.by_build(6, 12, 9)
    long = look.by_build(50, 44, 42) * look.ratio(1, 0.95, 1.06)
    toe = look.by_build(13, 27, 22)
    back = -36.0
    top = -sole - shaft
    points = [
        (back, top),
        (back + 27, top),
        (back + 31, top + shaft * 0.4),
        (long - 22, -sole - toe),
    ]
    points += [(long - 4, -sole - toe * 0.82), (long + 2, -sole), (back - 2, -sole)]
    upper = rounded(points, 9 if look.concept.build == "round" else 6)
    brush.fill(upper, look.coat(12))
    with brush.inside(upper):
        brush.fill(oval(long + 3, -sole + 1, 20, toe * 0.8), lighter(look.main, 0.3))
        brush.fill(rect(back - 5, top - 5, 36, 12, 2), darker(look.main, 0.2))
    second = look.second
    brush.fill(
        rect(back - 4, -sole - 2, long - back + 8, sole + 2, look.by_build(2.5, 6, 2)), second
    )
    for i in range(3):
        y = top + shaft * 0.42 + i * shaft * 0.13
        x = back + 26 + i * 5.5
        brush.line(polyline([(x - 6, y + 2), (x + 5, y - 1)]), INK, 4)
        brush.line(polyline([(x - 6, y + 2), (x + 5, y - 1)]), CREAM, 2.4)
    badge(brush, look, back + 15, top + shaft * 0.62, 8.5)


def backpack(brush: Brush, look: Look) -> None:
    """A school bag with a flap, a pocket and straps."""
    half = look.by_build(24, 34, 33)
    high = look.by_build(88, 76, 80) * look.ratio(0, 0.93, 1.05)
    second = look.second
    loop = oval(0, -high + 2, 9, 8)
    brush.line(loop, darker(second, 0.45), 6)
    brush.line(loop, second, 3.6)
    for side in (-1, 1):
        brush.limb(
            [
                (side * half * 0.7, -high * 0.85),
                (side * (half + 8), -high * 0.6),
                (side * (half + 6), -high * 0.2),
            ],
            second,
            7,
        )
    square = look.by_build(0.5, 0.25, 1.0)
    body = oval(0, -high / 2, half, high / 2, square)
    brush.fill(body, look.coat(13))
    with brush.inside(body):
        arch = skia.Path()
        y = -high * look.ratio(1, 0.58, 0.66)
        arch.moveTo(-half - 2, y - 6)
        arch.quadTo(0, y + 12, half + 2, y - 6)
        brush.line(arch, darker(look.main, 0.5), 2.2)
    brush.fill(
        rect(-half * 0.68, -high * 0.44, half * 1.36, high * 0.34, look.by_build(5, 12, 3)), second
    )
    brush.line(
        polyline([(-half * 0.5, -high * 0.34), (half * 0.5, -high * 0.34)]), darker(second, 0.5), 2
    )
    for side in (-1, 1):
        brush.fill(rect(side * half * 0.45 - 2.5, -high * 0.7, 5, 13, 2), CREAM, outline=1.2)
    badge(brush, look, 0, -high * 0.24, 8.5)


def lantern(brush: Brush, look: Look) -> None:
    """A garden lantern: a ring, a pointed top, a glowing pane, a broad foot."""
    half = look.by_build(19, 27, 27) * look.ratio(0, 0.95, 1.06)
    glass = look.by_build(44, 34, 34) * look.ratio(1, 0.93, 1.08)
    base = 20.0
    top = -base - glass
    brush.line(oval(0, top - 25, 8, 8), INK, 3)
    second = look.second
    if look.concept.build == "round":
        brush.fill(
            skia.Op(
                oval(0, top + 1, half + 7, 21), rect(-60, top - 40, 120, 42), skia.kIntersect_PathOp
            ),
            second,
        )
    else:
        peak = look.by_build(2, 0, 14)
        brush.fill(
            rounded(
                [
                    (-peak - 1, top - 19),
                    (peak + 1, top - 19),
                    (half + 9, top + 2),
                    (-half - 9, top + 2),
                ],
                3,
            ),
            second,
        )
    pane = (
        oval(0, top + glass / 2, half + 4, glass / 2 + 3)
        if look.concept.build == "round"
        else rect(-half, top, 2 * half, glass, 3)
    )
    brush.fill(pane, (255, 226, 128), depth=0.4)
    with brush.inside(pane):
        brush.flat(oval(0, top + glass * 0.62, half * 0.7, glass * 0.42), (255, 250, 214), 0.85)
        brush.flat(
            curve(
                [
                    (0, top + glass * 0.28),
                    (6, top + glass * 0.66),
                    (0, top + glass * 0.86),
                    (-6, top + glass * 0.66),
                ],
                closed=True,
            ),
            (248, 148, 44),
        )
    for x in (-half + 3, half - 3) if look.concept.build == "sturdy" else (0,):
        brush.line(polyline([(x, top + 1), (x, -base)]), darker(look.main, 0.35), 3)
    foot = rounded([(-half - 3, -base), (half + 3, -base), (half + 10, 0), (-half - 10, 0)], 4)
    brush.fill(foot, look.coat(10))
    badge(brush, look, 0, -base / 2, 8)


def clock(brush: Brush, look: Look) -> None:
    """An alarm clock with two bells and feet."""
    rx = look.by_build(25, 36, 35) * look.ratio(0, 0.96, 1.04)
    ry = look.by_build(39, 36, 34)
    square = look.by_build(0.1, 0.0, 0.85)
    cy = -ry - 6
    second = look.second
    for side in (-1, 1):
        brush.limb([(side * rx * 0.5, -12), (side * rx * 0.72, -3)], INK, 5.5)
        with brush.moved(side * rx * 0.62, cy - ry * 0.86, side * 28):
            bell = look.ratio(1, 11, 14)
            brush.fill(
                skia.Op(oval(0, 2, bell, 12), rect(-30, -30, 60, 33), skia.kIntersect_PathOp),
                second,
            )
    brush.limb([(0, cy - ry), (0, cy - ry - 8)], INK, 4)
    brush.fill(oval(0, cy, rx, ry, square), look.coat(10.5))
    inner = look.ratio(2, 0.64, 0.72)
    brush.fill(oval(0, cy, rx * inner, ry * inner, square), CREAM, outline=1.5, depth=0.5)
    for x, y in ((0, -1), (1, 0), (0, 1), (-1, 0)):
        spot = (x * rx * inner * 0.8, cy + y * ry * inner * 0.8)
        brush.flat(oval(*spot, 1.7, 1.7), INK)
    hour, minute = (((8, -6), (-5, -14)), ((-8, -5), (6, -14)), ((6, 7), (-2, -15)))[
        look.pick(3, 3)
    ]
    small = min(rx, ry) / 34
    brush.line(polyline([(0, cy), (hour[0] * small, cy + hour[1] * small)]), INK, 3.2)
    brush.line(polyline([(0, cy), (minute[0] * small, cy + minute[1] * small)]), INK, 2.2)
    badge(brush, look, 0, cy + ry * 0.86, 7.5)


def ball(brush: Brush, look: Look) -> None:
    """A ball, an egg-shaped ball or a cushioned cube of a ball."""
    rx = look.by_build(27, 38, 38) * look.ratio(0, 0.97, 1.03)
    ry = look.by_build(40, 38, 35) * look.ratio(1, 0.97, 1.03)
    body = oval(0, -ry, rx, ry, look.by_build(0, 0, 0.85))
    coat = look.coat(15)
    brush.fill(body, coat, depth=1.5)
    with brush.inside(body):
        if look.concept.pattern == "plain":
            with brush.moved(0, -ry, look.ratio(2, -35, 35)):
                brush.fill(rect(-60, -9, 120, 18), look.second)
    glint(brush, -rx * 0.4, -ry * 1.5, rx * 0.2, ry * 0.13, -32)
    badge(brush, look, 2, -ry, 12)


def toy_car(brush: Brush, look: Look) -> None:
    """A toy car driving to the right: low, a beetle or a van."""
    half = look.by_build(50, 42, 44) * look.ratio(0, 0.95, 1.05)
    wheel = look.by_build(9, 12, 12) * look.ratio(1, 0.92, 1.1)
    low = -wheel * 0.8
    roof = look.by_build(34, 50, 60)
    waist = low - look.by_build(14, 18, 24)
    if look.concept.build == "round":
        shell = curve(
            [
                (-half, low),
                (-half - 1, waist + 2),
                (-half * 0.5, -roof + 5),
                (half * 0.1, -roof),
                (half * 0.6, waist - 5),
                (half + 2, waist + 9),
                (half, low),
            ],
            closed=True,
        )
        glass = [
            (-half * 0.42, waist - 2),
            (-half * 0.26, -roof + 11),
            (half * 0.12, -roof + 7),
            (half * 0.48, waist - 2),
        ]
    elif look.concept.build == "slim":
        shell = rounded(
            [
                (-half, low),
                (-half, waist),
                (-half * 0.4, waist - 2),
                (-half * 0.15, -roof),
                (half * 0.25, -roof),
                (half * 0.5, waist),
                (half, waist + 4),
                (half, low),
            ],
            5,
        )
        glass = [
            (-half * 0.3, waist - 1),
            (-half * 0.1, -roof + 5),
            (half * 0.2, -roof + 5),
            (half * 0.4, waist - 1),
        ]
    else:
        shell = rounded(
            [
                (-half, low),
                (-half, -roof),
                (half * 0.5, -roof),
                (half * 0.72, waist),
                (half, waist + 3),
                (half, low),
            ],
            6,
        )
        glass = [
            (-half * 0.1, waist),
            (-half * 0.1, -roof + 8),
            (half * 0.42, -roof + 8),
            (half * 0.58, waist),
        ]
    brush.fill(shell, look.coat(12))
    brush.fill(rounded(glass, 3), (196, 228, 246))
    brush.fill(oval(half - 4, low - 8, 4, 4.5), (255, 236, 150), outline=1.2)
    for x in (-half * 0.56, half * 0.54):
        brush.fill(oval(x, -wheel, wheel, wheel), (52, 48, 58))
        brush.fill(oval(x, -wheel, wheel * 0.62, wheel * 0.62), look.second, outline=1.2)
    badge(brush, look, -half * 0.05, low - 7, 8.5)
