"""Clothes, worn on a frame or lying by themselves on an invisible one."""

import skia

from datagen.playroom.brush import Brush, Point, curve, oval, polyline, rect, rounded
from datagen.playroom.palette import CREAM, GOLD, darker
from datagen.playroom.things.look import Frame, Look, heart_badge


def mannequin() -> Frame:
    """The invisible body that a garment lying by itself keeps the shape of."""
    return Frame(
        head=(0, -84),
        head_size=(16, 14),
        neck=(0, -70),
        neck_width=8,
        torso=rounded([(-14, -70), (14, -70), (11, -38), (-11, -38)], 4),
        waist=((-11, -40), (11, -40)),
        arms=[[(-12, -65), (-22, -52), (-29, -42)], [(12, -65), (22, -52), (29, -42)]],
        legs=[[(-6.5, -36), (-8, -18), (-9, -3)], [(6.5, -36), (8, -18), (9, -3)]],
        limb=9,
        leg=10.5,
    )


def hat(brush: Brush, look: Look, frame: Frame) -> None:
    """A top hat, a bowler or a broad brim."""
    (x, y), (rx, ry) = frame.head, frame.head_size
    crown = rx * look.by_build(0.72, 0.92, 0.86) * look.ratio(0, 0.95, 1.05)
    high = ry * look.by_build(1.6, 0.95, 1.1) * look.ratio(1, 0.93, 1.08)
    brim = rx * look.by_build(1.1, 1.2, 1.62) * look.ratio(2, 0.95, 1.06)
    with brush.moved(x, y, frame.lean):
        base = -ry * 0.66
        if look.concept.build == "round":
            top = skia.Op(
                oval(0, base, crown, high * 1.1, 0.1),
                rect(-99, base - 99, 198, 99),
                skia.kIntersect_PathOp,
            )
        else:
            flare = look.by_build(1.08, 1, 0.8)
            top = rounded(
                [
                    (-crown * flare, base - high),
                    (crown * flare, base - high),
                    (crown, base),
                    (-crown, base),
                ],
                look.by_build(2, 2, 5),
            )
        brush.fill(top, look.coat(rx * 0.55))
        band = 0.26 * ry + 2
        with brush.inside(top):
            brush.fill(rect(-99, base - band, 198, band, 0), look.second, outline=1.0)
        brush.fill(oval(0, base, brim, ry * 0.2 + 1, 0.15), look.main)
        spot = (crown * 0.55, base - band * 0.6)
        if look.concept.accessory == "white feather":
            _feather(brush, *spot, ry * 0.95)
        elif look.concept.accessory == "red heart":
            heart_badge(brush, 0, base - band, ry * 0.3)
        elif look.concept.accessory == "gold buttons":
            for step in (-1, 0, 1):
                brush.fill(
                    oval(step * crown * 0.5, base - band * 0.5, ry * 0.13, ry * 0.13),
                    GOLD,
                    outline=0.9,
                )


def shirt(brush: Brush, look: Look, frame: Frame) -> None:
    """Long sleeves, a T-shirt or a vest with wide shoulders."""
    torso = frame.torso if not frame.arms else _swollen(frame.torso, look.by_build(1.08, 1.2, 1.16))
    if frame.lying:
        torso = _waistband(frame)
    for shoulder, elbow, hand in frame.arms:
        if look.concept.build == "slim":
            brush.limb([shoulder, elbow, _between(elbow, hand, 0.8)], look.main, frame.limb + 2)
        elif look.concept.build == "round":
            brush.limb([shoulder, _between(shoulder, elbow, 0.85)], look.main, frame.limb + 5)
    if frame.arms and look.concept.build == "sturdy":
        torso = _vest(torso)
    brush.fill(torso, look.coat(10.5))
    box = torso.getBounds()
    x = frame.neck[0]
    if frame.arms:
        collar = curve([(x - 7, box.top() + 0.5), (x, box.top() + 6), (x + 7, box.top() + 0.5)])
        brush.line(collar, darker(look.second, 0.45), 5)
        brush.line(collar, look.second, 3)
    else:
        with brush.inside(torso):
            edge = box.right() - 5 if frame.lying else box.left()
            high = box.height() if frame.lying else 6
            brush.fill(rect(edge, box.top(), 5 if frame.lying else box.width(), high), look.second)
        x = box.centerX()
    _trim(brush, look, x, box.top() + 0.42 * box.height(), box.height() * 0.5)


def trousers(brush: Brush, look: Look, frame: Frame) -> None:
    """Narrow, wide or short ones."""
    left, right = frame.waist
    width = frame.leg + look.by_build(1.5, 6.5, 4)
    share = look.by_build(1, 1, 0.55)
    hips = [(left[0] - 2, left[1]), (right[0] + 2, right[1])]
    low = [(right[0] + 2.5, right[1] + 9), (left[0] - 2.5, left[1] + 9)]
    shape = rounded(hips + low, 2)
    for hip, knee, foot in frame.legs:
        end = _between(knee, foot, 0.9) if share == 1 else _between(hip, knee, 1.0)
        pen = skia.Paint(
            Style=skia.Paint.kStroke_Style,
            StrokeWidth=width,
            StrokeCap=skia.Paint.kButt_Cap,
            StrokeJoin=skia.Paint.kRound_Join,
        )
        leg = skia.Path()
        pen.getFillPath(polyline([hip, knee, end] if share == 1 else [hip, end]), leg)
        shape = skia.Op(shape, leg, skia.kUnion_PathOp)
    brush.fill(shape, look.coat(9.5))
    band = rounded(
        [
            (left[0] - 2.5, left[1] - 1.5),
            (right[0] + 2.5, right[1] - 1.5),
            (right[0] + 2.5, right[1] + 3),
            (left[0] - 2.5, left[1] + 3),
        ],
        1,
    )
    brush.fill(band, look.second, outline=1.0)
    _trim(brush, look, (left[0] + right[0]) / 2, left[1] + 7, 12)


def dress(brush: Brush, look: Look, frame: Frame) -> None:
    """A straight, a wide or a bell-shaped skirt under a fitted top."""
    top = _swollen(frame.torso, 1.1)
    box = top.getBounds()
    (lx, wy), (rx, _) = frame.waist
    flare = look.by_build(4, 17, 11) * look.ratio(0, 0.9, 1.1)
    feet = max(foot[1] for _, _, foot in frame.legs)
    knees = [knee for _, knee, _ in frame.legs]
    hem = wy + look.by_build(0.82, 0.66, 0.52) * (feet - wy)
    reach_left = min(lx, *(x for x, _ in knees)) - flare
    reach_right = max(rx, *(x for x, _ in knees)) + flare
    wy -= 4
    sag = look.by_build(1, 5, 2)
    skirt = skia.Path()
    skirt.moveTo(lx - 2, wy)
    skirt.lineTo(rx + 2, wy)
    bend = look.by_build(0, 8, -3)
    skirt.quadTo(rx + flare * 0.4 + bend, (wy + hem) / 2 - bend * 0.5, reach_right, hem)
    skirt.quadTo((reach_left + reach_right) / 2, hem + 2 * sag, reach_left, hem)
    skirt.quadTo(lx - flare * 0.4 - bend, (wy + hem) / 2 - bend * 0.5, lx - 2, wy)
    skirt.close()
    for shoulder, elbow, _ in frame.arms:
        brush.limb([shoulder, _between(shoulder, elbow, 0.5)], look.main, frame.limb + 3.5)
    upper = skia.Op(top, rect(-200, -300, 400, 300 + wy + 2), skia.kIntersect_PathOp)
    brush.fill(skia.Op(upper, skirt, skia.kUnion_PathOp), look.coat(11))
    belt = rounded(
        [(lx - 3, wy - 2.5), (rx + 3, wy - 2.5), (rx + 3, wy + 2.5), (lx - 3, wy + 2.5)], 1.5
    )
    brush.fill(belt, look.second, outline=1.1)
    _trim(brush, look, frame.neck[0], box.top() + 0.32 * box.height(), 16)


def _trim(brush: Brush, look: Look, x: float, y: float, high: float) -> None:
    kind = look.concept.accessory
    if kind == "gold buttons":
        for step in (-0.5, 0, 0.5):
            brush.fill(oval(x, y + step * high, 1.9, 1.9), GOLD, outline=0.9)
    elif kind == "red heart":
        heart_badge(brush, x + 1, y, 4.6)
    elif kind == "white feather":
        _feather(brush, x + 5, y + 2, 13)


def _feather(brush: Brush, x: float, y: float, size: float) -> None:
    with brush.moved(x, y, 28):
        plume = curve(
            [(0, 0), (size * 0.26, -size * 0.5), (0, -size * 1.15), (-size * 0.24, -size * 0.5)],
            closed=True,
        )
        brush.fill(plume, CREAM, outline=1.1)
        brush.line(polyline([(0, 0), (0, -size * 0.8)]), (150, 140, 140), 0.9)


def _vest(torso: skia.Path) -> skia.Path:
    """The torso with holes for the arms and a low neck cut out."""
    box = torso.getBounds()
    wide, high = box.width(), box.height()
    for x in (box.left(), box.right()):
        hole = oval(x, box.top() + 0.26 * high, 0.2 * wide, 0.26 * high)
        torso = skia.Op(torso, hole, skia.kDifference_PathOp)
    return torso


def _waistband(frame: Frame) -> skia.Path:
    """The middle of a lying body, a little thicker than the body itself."""
    box = frame.torso.getBounds()
    middle = skia.Path()
    middle.addRect(
        skia.Rect.MakeLTRB(
            box.left() + 0.2 * box.width(),
            box.top() - 9,
            box.right() - 0.1 * box.width(),
            box.bottom() + 9,
        )
    )
    return skia.Op(_swollen(frame.torso, 1.08), middle, skia.kIntersect_PathOp)


def _swollen(path: skia.Path, share: float) -> skia.Path:
    box = path.getBounds()
    grown = skia.Path()
    matrix = skia.Matrix().setTranslate(box.centerX(), box.top())
    matrix.preScale(share, 1.03)
    matrix.preTranslate(-box.centerX(), -box.top())
    path.transform(matrix, grown)
    return grown


def _between(start: Point, end: Point, share: float) -> Point:
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
