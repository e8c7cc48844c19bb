"""Dogs and cats, seen from the side with the face turned to us."""

import skia

from datagen.playroom.brush import Brush, Point, curve, oval, polyline
from datagen.playroom.palette import CREAM, GOLD, INK, darker, lighter
from datagen.playroom.things.look import BLUE, RED, SUN, Frame, Look, bow, eyes


def dog(brush: Brush, look: Look, action: str) -> Frame:
    """A dog: hanging ears, a snout, an upright tail."""
    return _pet(brush, look, action, is_dog=True)


def cat(brush: Brush, look: Look, action: str) -> Frame:
    """A cat: pointed ears, whiskers, a long curling tail."""
    return _pet(brush, look, action, is_dog=False)


def _pet(brush: Brush, look: Look, action: str, is_dog: bool) -> Frame:
    if action == "jumping":
        with brush.moved(0, 0, -20):
            return _body(brush, look, action, is_dog, turn=-20)
    return _body(brush, look, action, is_dog, turn=0)


def _body(brush: Brush, look: Look, action: str, is_dog: bool, turn: float) -> Frame:
    upright = action == "sitting"
    half = look.by_build(31, 29, 30) * look.ratio(0, 0.94, 1.08)
    thick = look.by_build(10.5, 19, 16) * look.ratio(2, 0.95, 1.06)
    leg = look.by_build(27, 17, 20) * look.ratio(3, 0.9, 1.12)
    width = look.by_build(6.5, 8.5, 9.5)
    far = darker(look.main, 0.24)
    if upright:
        cy, body = _upright_body(look, half, thick)
        head: Point = (8, cy - half * 0.95 - 6)
        chest: Point = (8, cy - half * 0.5)
        legs: list[list[Point]] = [
            [(11, cy), (12, cy / 2), (13, -3)],
            [(4, cy), (5, cy / 2), (5, -3)],
        ]
    else:
        cy = -thick - 2 if action == "lying" else -leg - thick * 0.75
        body = oval(0, cy, half, thick, look.by_build(0.25, 0.0, 0.75))
        head = (half + 3, cy - thick * 0.6 - look.by_build(13, 9, 10))
        chest = (half * 0.72, cy - thick * 0.25)
        legs = _legs(action, half, cy, width)
    _tail(brush, look, action, half, cy, is_dog)
    for i, path in enumerate(legs[:-2] if len(legs) > 2 else []):
        brush.limb(path, far if i >= 0 else look.main, width)
    brush.limb([chest, (head[0] - 3, head[1] + 4)], look.main, look.by_build(11, 15, 16))
    if upright:
        brush.limb(legs[1], far, width)
    brush.fill(body, look.coat(12.5))
    if upright:
        brush.fill(oval(-6, -8.5, 15, 8.5, 0.1), look.main)
        brush.limb(legs[0], look.main, width)
        brush.fill(oval(4, -3.4, 8, 3.6), look.main, outline=1.2)
        brush.fill(oval(legs[0][-1][0] + 2, -3, 6, 3.2), look.main, outline=1.2)
    else:
        for path in legs[-2:]:
            brush.limb(path, look.main, width)
            if action != "lying":
                brush.fill(
                    oval(path[-1][0] + 1.8, path[-1][1] + 0.4, width * 0.72, 3.0),
                    look.main,
                    outline=1.1,
                )
        with brush.inside(body):
            for path in legs[-2:]:
                brush.flat(oval(path[0][0], path[0][1], width * 0.52, width * 0.5), look.main)
    neck = (chest[0] * 0.45 + head[0] * 0.55, chest[1] * 0.45 + head[1] * 0.55)
    size = _head(brush, look, head, is_dog)
    _neckwear(brush, look, neck, head, size)
    frame = Frame(head, size, neck, 12, body, lying=not upright)
    return _turned(frame, turn) if turn else frame


def _upright_body(look: Look, half: float, thick: float) -> tuple[float, skia.Path]:
    tall, wide = half * 0.98, thick * 1.1 + 4
    cy = -tall
    points = [
        (4, cy - tall),
        (13, cy - tall * 0.5),
        (10 + wide * 0.2, cy + tall * 0.3),
        (12, -3),
        (-4, -1),
    ]
    points += [(-wide - 5, -3), (-wide - 6, cy + tall * 0.45), (-wide * 0.55, cy - tall * 0.3)]
    return cy, curve(points, closed=True)


def _legs(action: str, half: float, cy: float, width: float) -> list[list[Point]]:
    hind, fore = -half + width * 0.85, half - width * 0.85
    if action == "lying":
        return [
            [(hind, -7), (hind + 9, -4), (hind + 15, -4)],
            [(fore - 4, -6), (fore + 9, -4.5), (fore + 19, -4)],
        ]
    if action == "jumping":
        return [
            [(hind + 4, cy), (hind - 6, cy * 0.6), (hind - 17, cy * 0.42)],
            [(fore - 3, cy), (fore + 10, cy * 0.62), (fore + 22, cy * 0.6)],
            [(hind + 1, cy), (hind - 10, cy * 0.5), (hind - 22, cy * 0.22)],
            [(fore, cy), (fore + 12, cy * 0.48), (fore + 25, cy * 0.36)],
        ]
    return [
        [(hind + 7, cy), (hind + 5, cy / 2), (hind + 7, -3)],
        [(fore - 7, cy), (fore - 6, cy / 2), (fore - 7, -3)],
        [(hind, cy), (hind - 2.5, cy / 2), (hind, -3)],
        [(fore, cy), (fore + 1, cy / 2), (fore, -3)],
    ]


def _tail(brush: Brush, look: Look, action: str, half: float, cy: float, is_dog: bool) -> None:
    x = -half * 0.55 if action == "sitting" else -half + 3
    y = -9.0 if action == "sitting" else cy - 3
    length = look.ratio(4, 0.85, 1.25)
    if is_dog:
        path: list[Point] = [
            (x, y),
            (x - 10 * length, y - 8 * length),
            (x - 12 * length, y - 21 * length),
        ]
        brush.limb(path, look.main, look.by_build(4.5, 6, 7))
        return
    path = [
        (x, y),
        (x - 14 * length, y - 2),
        (x - 19 * length, y - 19 * length),
        (x - 11 * length, y - 30 * length),
    ]
    if action in ("sitting", "lying"):
        path = [
            (x, y),
            (x - 13 * length, y + 1),
            (x - 22 * length, y - 8),
            (x - 20 * length, y - 20 * length),
        ]
    brush.limb(path, look.main, look.by_build(4.5, 5.5, 6))


def _head(brush: Brush, look: Look, head: Point, is_dog: bool) -> tuple[float, float]:
    x, y = head
    rx = look.by_build(13, 17, 16) * look.ratio(1, 0.95, 1.07)
    ry = look.by_build(13, 14.5, 14.5) * look.ratio(1, 0.95, 1.07)
    ear_length = look.ratio(5, 0.75, 1.35)
    ear_color = look.second
    skull = oval(x, y, rx, ry, look.by_build(0.1, 0.0, 0.7))
    if is_dog:
        brush.fill(skull, look.main)
        for side in (-1, 1):
            ear = [(x + side * rx * 0.55, y - ry * 0.85), (x + side * (rx + 3), y - ry * 0.5)]
            ear += [
                (x + side * (rx + 4), y + ry * (0.1 + 0.75 * ear_length)),
                (x + side * rx * 0.78, y + ry * 0.4 * ear_length),
            ]
            brush.fill(curve(ear, closed=True), ear_color)
    else:
        for side in (-1, 1):
            tip = (x + side * rx * 0.85, y - ry * (0.95 + 0.75 * ear_length))
            ear = [(x + side * rx * 0.98, y - ry * 0.1), tip, (x + side * rx * 0.1, y - ry * 0.75)]
            brush.fill(polyline(ear, True), ear_color)
        brush.fill(skull, look.main)
    # White and pale coats keep a visible muzzle by a tint of their own.
    muzzle = lighter(look.main, 0.55) if sum(look.main) < 640 else darker(look.main, 0.1)
    if is_dog:
        brush.fill(oval(x + 4, y + ry * 0.48, rx * 0.52, ry * 0.46, 0.2), muzzle, outline=1.0)
        brush.flat(oval(x + 4.5, y + ry * 0.22, 3.8, 2.8), INK)
        brush.line(
            curve([(x + 0.5, y + ry * 0.6), (x + 4.5, y + ry * 0.72), (x + 8.5, y + ry * 0.6)]),
            INK,
            1.2,
        )
        eyes(brush, x + 3, y - ry * 0.2, rx * 0.42, 2.1)
        if look.pick(6, 2):
            brush.fill(oval(x + 5.5, y + ry * 0.92, 2.6, 3.6), (240, 112, 130), outline=0.9)
    else:
        brush.flat(oval(x + 2, y + ry * 0.42, rx * 0.46, ry * 0.36), muzzle, 0.9)
        for side in (-1, 1):
            eye = oval(x + 2 + side * rx * 0.42, y - ry * 0.08, 3.3, 3.5)
            brush.fill(
                eye, ((190, 222, 90), (250, 200, 70), (120, 200, 240))[look.pick(6, 3)], outline=1.1
            )
            brush.flat(oval(x + 2.6 + side * rx * 0.42, y - ry * 0.08, 1.3, 2.9), INK)
            for drop in (-1.5, 1.5):
                whisker = [
                    (x + 2 + side * 6, y + ry * 0.42 + drop * 0.4),
                    (x + 2 + side * (rx + 5), y + ry * 0.36 + drop * 2),
                ]
                brush.line(polyline(whisker), darker(look.main, 0.55), 0.9)
        brush.flat(
            polyline(
                [(x - 0.4, y + ry * 0.24), (x + 4.4, y + ry * 0.24), (x + 2, y + ry * 0.44)], True
            ),
            (232, 108, 124),
        )
        brush.line(
            curve(
                [
                    (x - 3, y + ry * 0.5),
                    (x - 0.4, y + ry * 0.62),
                    (x + 2, y + ry * 0.5),
                    (x + 4.4, y + ry * 0.62),
                    (x + 7, y + ry * 0.5),
                ]
            ),
            INK,
            1.1,
        )
    return rx, ry


def _neckwear(
    brush: Brush, look: Look, neck: Point, head: Point, size: tuple[float, float]
) -> None:
    kind = look.concept.accessory
    x, y = head[0] - 2, head[1] + size[1] * 0.98
    if kind == "red collar":
        brush.limb([(x - 8, y - 0.5), (x, y + 1.5), (x + 8, y - 0.5)], RED, 5)
        brush.fill(oval(x + 1, y + 5.4, 3.4, 3.4), GOLD, outline=1.1)
    elif kind == "blue scarf":
        brush.fill(polyline([(x - 11, y - 1), (x + 11, y - 1), (x - 1, y + 16)], True), BLUE)
        brush.limb([(x - 10, y - 1), (x, y + 1.5), (x + 10, y - 1)], BLUE, 4.6)
        for dot in ((x - 3, y + 5), (x + 3, y + 5), (x - 0.5, y + 10)):
            brush.flat(oval(*dot, 1.2, 1.2), CREAM)
    elif kind == "yellow bow":
        bow(brush, head[0] - size[0] * 0.1, head[1] - size[1] * 0.98, 8.5, SUN)


def _turned(frame: Frame, turn: float) -> Frame:
    matrix = skia.Matrix().setRotate(turn)
    torso = skia.Path()
    frame.torso.transform(matrix, torso)
    head, neck = matrix.mapPoints([skia.Point(*frame.head), skia.Point(*frame.neck)])
    frame.head, frame.neck, frame.torso = (head.x(), head.y()), (neck.x(), neck.y()), torso
    frame.lean = turn
    return frame
