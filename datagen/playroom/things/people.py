"""Persons and cartoon characters: upright bodies with arms and legs."""

import skia

from datagen.playroom.brush import Brush, Point, curve, oval, polyline, rect, rounded
from datagen.playroom.palette import CREAM, GOLD, INK, Rgb, darker, lighter
from datagen.playroom.things.look import RED, SUN, Frame, Look, bow, eyes, smile

SKINS: tuple[Rgb, ...] = (
    (255, 222, 196),
    (243, 196, 158),
    (214, 156, 114),
    (160, 106, 72),
    (112, 72, 52),
)
HAIRS: tuple[Rgb, ...] = (
    (58, 40, 36),
    (112, 70, 40),
    (222, 172, 84),
    (190, 84, 40),
    (150, 146, 150),
)


def person(brush: Brush, look: Look, action: str) -> Frame:
    """A person in shirt and trousers."""
    skin, hair = SKINS[look.pick(5, 5)], HAIRS[look.pick(6, 5)]
    frame = _stance(look, action)
    style = look.pick(7, 6)
    for leg in frame.legs:
        brush.limb(leg, look.second, frame.leg)
        foot = leg[-1]
        brush.fill(oval(foot[0] + 2.4, foot[1] - 0.4, 5.6, 3.2, 0.3), (72, 56, 62), outline=1.2)
    _hair_behind(brush, frame, style, hair)
    for shoulder, elbow, hand in frame.arms:
        brush.limb([elbow, hand], skin, frame.limb - 1)
        brush.flat(oval(*hand, frame.limb * 0.55, frame.limb * 0.55), skin)
        brush.limb([shoulder, elbow], look.main, frame.limb + 0.6)
    hips = [(frame.waist[0][0] - 1, frame.waist[0][1]), (frame.waist[1][0] + 1, frame.waist[1][1])]
    hips += [(x, y + 6) for x, y in reversed(hips)]
    brush.fill(rounded(hips, 3), look.second)
    brush.limb([frame.neck, (frame.neck[0], frame.neck[1] - 4)], skin, 7)
    brush.fill(frame.torso, look.coat(10.5))
    if look.concept.accessory == "yellow bag":
        _bag(brush, frame)
    _head(brush, frame, skin, hair, style)
    if look.concept.accessory == "red scarf":
        x, y = frame.neck
        brush.limb([(x + 4, y + 1), (x + 6, y + 14)], RED, 6)
        brush.limb([(x - 7, y), (x, y + 2), (x + 7, y)], RED, 6.5)
    elif look.concept.accessory == "glasses":
        _glasses(brush, frame)
    return frame


def _stance(look: Look, action: str) -> Frame:
    wide = look.by_build(9.0, 13.0, 15.5) * look.ratio(0, 0.95, 1.08)
    hip_wide = look.by_build(7.0, 12.0, 9.5)
    radius = look.ratio(1, 12.0, 14.0)
    leg, trunk = look.ratio(3, 30, 38) * look.by_build(1.15, 0.86, 1.0), look.ratio(2, 26, 30)
    limb, thick = look.by_build(5.6, 7.2, 8.0), look.by_build(7.0, 9.0, 9.5)
    sitting, jumping = action == "sitting", action == "jumping"
    hip_y = -7.0 if sitting else -leg - (4 if jumping else 0)
    top = hip_y - trunk
    out = wide + 3
    low: list[Point] = [(wide - 2, top + 5), (out + 4, top + 15), (out + 3, hip_y + 1)]
    high: list[Point] = [(wide - 2, top + 5), (out + 8, top + 1), (out + 11, top - 15)]
    left, right = [(-x, y) for x, y in low], low
    if jumping:
        left, right = [(-x, y) for x, y in high], high
    elif action == "waving":
        right = high
    elif sitting:
        right = [(wide - 2, top + 5), (out + 3, top + 14), (out + 8, hip_y - 8)]
    step = hip_wide * 0.55
    legs: list[list[Point]] = [[(-step, hip_y), (-step - 0.5, hip_y / 2), (-step - 1, -2.5)]]
    legs.append([(step, hip_y), (step + 0.5, hip_y / 2), (step + 1, -2.5)])
    if sitting:
        legs = [[(0, hip_y), (15, -17), (24, -2.5)], [(3, hip_y + 1), (21, -13), (31, -2.5)]]
    elif jumping:
        legs = [[(-step, hip_y), (-step - 11, hip_y * 0.6), (-step - 17, hip_y * 0.22)]]
        legs.append([(step, hip_y), (step + 10, hip_y * 0.58), (step + 3, hip_y * 0.12)])
    bulge = look.by_build(-1.0, 4.5, -0.5)
    mid = (wide + hip_wide) / 2 + bulge
    shoulder = look.by_build(4, 7, 3.5)
    outline = [(-wide, top + 1), (wide, top + 1), (mid, top + 0.6 * trunk), (hip_wide, hip_y + 2)]
    outline += [(-hip_wide, hip_y + 2), (-mid, top + 0.6 * trunk)]
    return Frame(
        head=(0, top - radius - 1),
        head_size=(radius * look.by_build(0.92, 1.06, 1.0), radius),
        neck=(0, top + 1),
        neck_width=7,
        torso=rounded(outline, shoulder),
        waist=((-hip_wide, hip_y - 2), (hip_wide, hip_y - 2)),
        arms=[left, right],
        legs=legs,
        limb=limb,
        leg=thick,
    )


def _hair_behind(brush: Brush, frame: Frame, style: int, hair: Rgb) -> None:
    (x, y), (rx, ry) = frame.head, frame.head_size
    if style == 1:
        brush.fill(rect(x - rx - 2.5, y - ry, 2 * rx + 5, 2 * ry + 2, 9), hair)
    elif style == 2:
        brush.fill(rect(x - rx - 3, y - ry, 2 * rx + 6, 2 * ry + 17, 10), hair)
    elif style == 3:
        brush.fill(oval(x - 1, y - ry - 4, 6.5, 6), hair)
    elif style == 4:
        lumps = [(-14, -2), (-12, -11), (-5, -17), (4, -17), (12, -11), (14, -2), (10, 4), (-10, 4)]
        cloud = [(x + a * rx / 11.5, y + b * ry / 12.5) for a, b in lumps]
        brush.fill(curve(cloud, closed=True), hair)


def _head(brush: Brush, frame: Frame, skin: Rgb, hair: Rgb, style: int) -> None:
    (x, y), (rx, ry) = frame.head, frame.head_size
    for side in (-1, 1):
        brush.fill(oval(x + side * rx, y + 2, 2.6, 3.2), skin, outline=1.1)
    skull = oval(x, y, rx, ry, 0.15)
    brush.fill(skull, skin)
    with brush.inside(skull):
        fringe = [(x - rx - 2, y - ry - 2), (x + rx + 2, y - ry - 2), (x + rx + 2, y - 1)]
        cuts = {
            0: [(x + 6, y - 6), (x - 2, y - 5), (x - rx - 2, y - 2)],
            1: [(x + 7, y - 4), (x - 7, y - 4), (x - rx - 2, y + 4)],
            2: [(x + 8, y - 4), (x + 1, y - 9), (x - 6, y - 4), (x - rx - 2, y + 5)],
            3: [(x + 6, y - 7), (x - 6, y - 7), (x - rx - 2, y)],
            4: [(x + 5, y - 6), (x - 5, y - 6), (x - rx - 2, y - 1)],
        }
        default = [
            (x + 6, y - 4),
            (x + 3, y - 7),
            (x, y - 4),
            (x - 4, y - 7),
            (x - 8, y - 3),
            (x - rx - 2, y - 3),
        ]
        brush.fill(polyline(fringe + cuts.get(style, default), True), hair, outline=1.0)
    if style == 5:
        spikes = [(x - rx, y - 4), (x - rx - 2, y - 12), (x - 6, y - ry + 1), (x - 5, y - ry - 7)]
        spikes += [(x + 1, y - ry), (x + 5, y - ry - 7), (x + 7, y - ry + 2), (x + rx + 2, y - 11)]
        spikes += [(x + rx, y - 4), (x + 4, y - 8), (x - 5, y - 8)]
        brush.fill(polyline(spikes, True), hair, outline=1.0)
    eyes(brush, x + 1.8, y + 1.5, 4.6, 1.55)
    for side in (-1, 1):
        brush.flat(oval(x + 1.8 + side * 7, y + 5.5, 2.4, 1.6), (244, 110, 110), 0.4)
    smile(brush, x + 1.8, y + 5.6, 3.0)


def _glasses(brush: Brush, frame: Frame) -> None:
    x, y = frame.head
    for side in (-1, 1):
        ring = oval(x + 1.8 + side * 4.9, y + 1.5, 4.3, 4.3)
        brush.flat(ring, (210, 235, 255), 0.45)
        eyes(brush, x + 1.8 + side * 4.6, y + 1.5, 0, 1.4)
        brush.line(ring, INK, 1.7)
    brush.line(polyline([(x + 1, y + 1), (x + 2.6, y + 1)]), INK, 1.7)


def _bag(brush: Brush, frame: Frame) -> None:
    box = frame.torso.getBounds()
    strap = [(box.left() + 4, box.top() + 2), (box.right() - 1, box.bottom() - 8)]
    brush.line(polyline(strap), darker(SUN, 0.35), 3.4)
    brush.line(polyline(strap), SUN, 2.2)
    brush.fill(rect(box.right() - 7, box.bottom() - 11, 12, 11, 3), SUN)
    brush.line(
        polyline([(box.right() - 6, box.bottom() - 7), (box.right() + 4, box.bottom() - 7)]),
        darker(SUN, 0.4),
        1.2,
    )


def character(brush: Brush, look: Look, action: str) -> Frame:
    """A friendly monster: one big body that is head and trunk at once."""
    rx = look.by_build(19, 31, 29) * look.ratio(0, 0.95, 1.06)
    ry = look.by_build(39, 31, 33) * look.ratio(1, 0.95, 1.06)
    lift = {"sitting": -4.0, "jumping": -24.0}.get(action, -12.0)
    cy = lift - ry
    body = oval(0, cy, rx, ry, look.by_build(0.25, 0.0, 0.8))
    dark = darker(look.main, 0.22)
    step = rx * 0.45
    if action == "sitting":
        legs: list[list[Point]] = [
            [(-step, -9), (-step - 6, -6), (-step - 12, -5)],
            [(step, -9), (step + 7, -6), (step + 15, -5)],
        ]
    elif action == "jumping":
        legs = [
            [(-step, lift - 4), (-step - 8, lift + 7), (-step - 13, lift + 3)],
            [(step, lift - 4), (step + 2, lift + 9), (step + 9, lift + 14)],
        ]
    else:
        legs = [
            [(-step, lift - 3), (-step, lift / 2), (-step, -4)],
            [(step, lift - 3), (step, lift / 2), (step, -4)],
        ]
    for leg in legs:
        brush.limb(leg, dark, 8)
        brush.fill(oval(leg[-1][0] + 2, leg[-1][1], 7.5, 4.5), look.second)
    down: list[Point] = [(rx - 3, cy + 2), (rx + 7, cy + 11), (rx + 9, cy + 21)]
    up: list[Point] = [(rx - 3, cy + 2), (rx + 9, cy - 4), (rx + 13, cy - 20)]
    right = up if action in ("waving", "jumping") else down
    left = [(-x, y) for x, y in (up if action == "jumping" else down)]
    for arm in (left, right):
        brush.limb(arm, dark, 7)
        brush.fill(oval(*arm[-1], 5, 5), look.second, outline=1.2)
    _crest(brush, look, cy - ry)
    brush.fill(body, look.coat(14))
    if look.concept.pattern == "plain":
        with brush.inside(body):
            brush.fill(
                oval(2, cy + ry * 0.72, rx * 0.68, ry * 0.52, look.square * 0.5), look.second
            )
    _monster_face(brush, look, cy - ry * 0.3, rx)
    if look.concept.accessory == "bow tie":
        bow(brush, 2, cy + ry * 0.42, 9, RED)
    return Frame(
        head=(0, cy - ry * 0.45),
        head_size=(rx * look.by_build(0.86, 0.8, 0.98), ry * 0.55),
        neck=(2, cy + ry * 0.4),
        neck_width=rx,
        torso=skia.Op(body, rect(-80, cy + ry * 0.3, 160, 200), skia.kIntersect_PathOp),
        waist=((-rx * 0.9, cy + ry * 0.6), (rx * 0.9, cy + ry * 0.6)),
        arms=[left, right],
        legs=legs,
        limb=7,
        leg=8,
    )


def _crest(brush: Brush, look: Look, top: float) -> None:
    kind = look.concept.accessory
    if kind == "horns":
        for side in (-1, 1):
            horn = [
                (side * 5, top + 7),
                (side * 8, top - 6),
                (side * 18, top - 17),
                (side * 17, top),
                (side * 16, top + 10),
            ]
            brush.fill(curve(horn, closed=True), CREAM)
    elif kind == "crown":
        points = [
            (-13, top + 6),
            (-15, top - 13),
            (-6, top - 5),
            (0, top - 16),
            (6, top - 5),
            (15, top - 13),
            (13, top + 6),
        ]
        brush.fill(rounded(points, 1.5), GOLD)
    else:
        count = 1 + look.pick(4, 3)
        for i in range(count):
            x = (i - (count - 1) / 2) * 9
            brush.line(
                curve([(x * 0.6, top + 4), (x, top - 5), (x * 1.6 + 2, top - 9)]),
                darker(look.main, 0.4),
                2.4,
            )


def _monster_face(brush: Brush, look: Look, y: float, rx: float) -> None:
    count = 1 + look.pick(5, 3)
    size = {1: 10.5, 2: 7.4, 3: 5.8}[count] * look.ratio(2, 0.9, 1.1) * look.by_build(0.8, 1, 1)
    for i in range(count):
        x = 3 + (i - (count - 1) / 2) * size * 2.05
        rise = -3 if count == 3 and i == 1 else 0
        brush.fill(oval(x, y + rise, size, size * 1.08), (255, 255, 252), outline=1.3, depth=0.5)
        brush.flat(oval(x + size * 0.22, y + rise + size * 0.1, size * 0.5, size * 0.58), INK)
        brush.flat(oval(x + size * 0.4, y + rise - size * 0.18, size * 0.17, size * 0.17), CREAM)
    grin = skia.Path()
    width, low = rx * 0.42, y + size + 4
    grin.moveTo(3 - width, low)
    grin.quadTo(3, low + 3, 3 + width, low)
    grin.quadTo(3, low + 13, 3 - width, low)
    brush.fill(grin, (122, 34, 52), outline=1.3)
    if look.pick(6, 2):
        for x in (-width * 0.3, width * 0.3):
            brush.flat(rect(3 + x - 1.7, low + 1, 3.4, 3.2, 0.6), lighter(CREAM, 0.4))
