"""Vessels: cup, teapot, vase, can and bottle, their front towards us."""

import skia

from datagen.playroom.brush import Brush, curve, oval, rect, rounded
from datagen.playroom.palette import darker, lighter
from datagen.playroom.things.look import Look, badge, glint


def cup(brush: Brush, look: Look) -> None:
    """A mug with one handle."""
    half = look.by_build(20, 31, 32)
    high = look.by_build(66, 50, 52) * look.ratio(0, 0.92, 1.08)
    foot = half * look.by_build(0.8, 0.62, 1.0) * look.ratio(1, 0.93, 1.0)
    grip = high * look.ratio(2, 0.26, 0.34)
    second = look.second
    ring = oval(half + 4, -high * 0.52, grip * 0.95, grip, look.by_build(0, 0, 0.7))
    brush.line(ring, darker(second, 0.45), 9)
    brush.line(ring, second, 6.2)
    if look.concept.build == "round":
        body = curve(
            [
                (-half, -high),
                (half, -high),
                (half + 3, -high * 0.5),
                (foot, 0),
                (-foot, 0),
                (-half - 3, -high * 0.5),
            ],
            closed=True,
        )
    else:
        body = rounded([(-half, -high), (half, -high), (foot, 0), (-foot, 0)], 6)
    brush.fill(body, look.coat(13))
    brush.fill(oval(0, -high + 1, half - 0.5, 6.5), lighter(look.main, 0.25))
    brush.fill(oval(0, -high + 2, half - 5, 4), (96, 58, 40), outline=1.0)
    glint(brush, -half * 0.62, -high * 0.5, 2.6, high * 0.24, 3)
    badge(brush, look, 0, -high * 0.45, 11)


def teapot(brush: Brush, look: Look) -> None:
    """A pot with a spout to the right, a handle and a lid."""
    half = look.by_build(25, 35, 32) * look.ratio(0, 0.95, 1.05)
    high = look.by_build(66, 50, 48) * look.ratio(1, 0.94, 1.06)
    square = look.by_build(0.15, 0.0, 0.85)
    cy = -high / 2
    grip = curve(
        [
            (-half + 5, cy - high * 0.28),
            (-half - 17, cy - high * 0.32),
            (-half - 17, cy + high * 0.14),
            (-half + 4, cy + high * 0.26),
        ]
    )
    brush.line(grip, darker(look.second, 0.45), 8.5)
    brush.line(grip, look.second, 5.8)
    tip = half + look.ratio(2, 16, 23)
    spout = [
        (half - 9, cy + high * 0.25),
        (half + 7, cy - high * 0.02),
        (tip - 6, cy - high * 0.42),
        (tip + 3, cy - high * 0.46),
    ]
    spout += [(half + 15, cy + high * 0.1), (half - 4, cy + high * 0.42)]
    brush.fill(rounded(spout, 4), look.main)
    brush.fill(oval(0, cy, half, high / 2, square), look.coat(13))
    lid = skia.Op(
        oval(0, -high + 5, half * 0.62, 10), rect(-60, -high - 40, 120, 45), skia.kIntersect_PathOp
    )
    brush.fill(lid, look.second)
    brush.fill(oval(0, -high - 8, 5, 5), look.second)
    glint(brush, -half * 0.5, cy - high * 0.2, 3, high * 0.14, 24)
    badge(brush, look, 0, cy + 3, 10.5)


def vase(brush: Brush, look: Look) -> None:
    """A vase with a narrow neck and a flared rim."""
    belly = look.by_build(17, 31, 27) * look.ratio(0, 0.94, 1.06)
    high = look.by_build(96, 76, 78) * look.ratio(1, 0.95, 1.05)
    neck = look.by_build(8, 10, 14) * look.ratio(2, 0.9, 1.15)
    rim = neck + look.ratio(3, 5, 9)
    foot = belly * look.by_build(0.7, 0.55, 0.85)
    if look.concept.build == "sturdy":
        points = [
            (-neck, -high),
            (neck, -high),
            (neck, -high * 0.7),
            (belly, -high * 0.62),
            (foot, 0),
            (-foot, 0),
            (-belly, -high * 0.62),
            (-neck, -high * 0.7),
        ]
        body = rounded(points, 4)
    else:
        full = look.ratio(4, 0.36, 0.46)
        half = [(neck, -high), (neck, -high * 0.74), (belly, -high * full), (foot, -2)]
        body = curve(half + [(-x, y) for x, y in reversed(half)], closed=True)
    brush.fill(body, look.coat(12.5))
    brush.fill(oval(0, -high, rim, 5.5), look.second)
    brush.fill(oval(0, -high - 0.5, rim - 4, 2.8), darker(look.second, 0.6), outline=0)
    brush.fill(rect(-foot - 2, -6, 2 * foot + 4, 6, 2), look.second)
    glint(brush, -belly * 0.55, -high * 0.42, 2.6, high * 0.13, 6)
    badge(brush, look, 0, -high * 0.38, min(11, belly * 0.62))


def can(brush: Brush, look: Look) -> None:
    """A drinks can with metal ends."""
    half = look.by_build(18, 27, 33) * look.ratio(0, 0.96, 1.05)
    high = look.by_build(84, 76, 52) * look.ratio(1, 0.95, 1.06)
    bulge = look.by_build(0, 6, 0)
    steel = (206, 210, 216)
    brush.fill(
        rounded(
            [
                (-half + 5, -high),
                (half - 5, -high),
                (half, -high + 10),
                (half, -9),
                (half - 5, 0),
                (-half + 5, 0),
                (-half, -9),
                (-half, -high + 10),
            ],
            3,
        ),
        steel,
    )
    if bulge:
        body = curve(
            [
                (-half, -high + 9),
                (half, -high + 9),
                (half + bulge, -high / 2),
                (half, -8),
                (-half, -8),
                (-half - bulge, -high / 2),
            ],
            closed=True,
        )
    else:
        body = rect(-half, -high + 9, 2 * half, high - 17, 2)
    brush.fill(body, look.coat(12.5))
    if look.concept.pattern == "plain":
        with brush.inside(body):
            brush.fill(rect(-half - 9, -high * 0.66, 2 * half + 18, high * 0.34), look.second)
    brush.fill(oval(0, -high + 1, half - 5, 4.5), lighter(steel, 0.4), outline=1.2)
    brush.fill(oval(3, -high + 1, 5, 1.8), darker(steel, 0.45), outline=0)
    glint(brush, -half * 0.58, -high * 0.5, 2.4, high * 0.28)
    badge(brush, look, 1, -high * 0.49, min(11, half * 0.55))


def bottle(brush: Brush, look: Look) -> None:
    """A bottle with a cap and a pale label."""
    half = look.by_build(13, 25, 21) * look.ratio(0, 0.95, 1.06)
    high = look.by_build(92, 72, 82) * look.ratio(1, 0.95, 1.05)
    neck = look.by_build(5.5, 7.5, 8.5)
    shoulder = high * look.ratio(2, 0.56, 0.64)
    if look.concept.build == "round":
        body = oval(0, -shoulder * 0.54, half * 1.15, shoulder * 0.54)
    else:
        r = look.by_build(6, 0, 3)
        body = rounded(
            [
                (-neck, -shoulder - 10),
                (neck, -shoulder - 10),
                (half, -shoulder + 4),
                (half, 0),
                (-half, 0),
                (-half, -shoulder + 4),
            ],
            r,
        )
    brush.fill(rect(-neck, -high + 2, 2 * neck, high - shoulder + 12, 2), look.main)
    brush.fill(body, look.coat(11))
    brush.fill(rect(-neck - 3, -high - 4, 2 * neck + 6, 13, 3), look.second)
    glint(brush, -half * 0.5, -shoulder * 0.5, 2.2, shoulder * 0.26)
    badge(brush, look, 0, -shoulder * 0.42, min(10.5, half * 0.75))
