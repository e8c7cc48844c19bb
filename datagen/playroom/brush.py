"""The brush: outlined, softly shaded, patterned shapes, recorded once and played at any size.

Things are drawn in units of their own (about 100 high, y down, feet at y = 0, facing right).
The brush keeps the exact bounds of all it drew, so that a drawing can be fitted into a box.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import skia

from datagen.playroom.palette import Rgb, argb, darker, lighter

Point = tuple[float, float]
OUTLINE = 1.5


@dataclass(frozen=True)
class Coat:
    """How a surface is painted: a colour and perhaps a pattern in a second one.

    `pitch` is the pattern's period in drawing units, `slant` its turn in degrees.
    """

    color: Rgb
    color2: Rgb
    pattern: str = "plain"
    pitch: float = 13.0
    slant: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Drawing:
    """A recorded drawing and the rectangle (left, top, right, bottom) it fills."""

    picture: skia.Picture
    bounds: tuple[float, float, float, float]


def united(drawings: Sequence[Drawing]) -> tuple[float, float, float, float]:
    """The rectangle that all the drawings fill together."""
    lefts, tops, rights, bottoms = zip(*(drawing.bounds for drawing in drawings), strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


class Brush:
    """Draws into a recording."""

    def __init__(self) -> None:
        self._recorder = skia.PictureRecorder()
        self.canvas = self._recorder.beginRecording(skia.Rect(-400, -400, 400, 400))
        self._bounds: list[skia.Rect] = []
        self._clips = 0

    def fill(
        self, path: skia.Path, coat: Coat | Rgb, outline: float = OUTLINE, depth: float = 1.0
    ) -> None:
        """Fill a shape: lit from the top left, outlined in a darker tone of its own colour."""
        self._grow(path, outline / 2)
        color = coat.color if isinstance(coat, Coat) else coat
        plain = not isinstance(coat, Coat) or coat.pattern == "plain"
        ends = _light_axis(path)
        paint = skia.Paint(AntiAlias=True)
        if plain:
            tones = [lighter(color, 0.2 * depth), color, darker(color, 0.2 * depth)]
            paint.setShader(skia.GradientShader.MakeLinear(ends, [argb(t) for t in tones]))
            self.canvas.drawPath(path, paint)
        else:
            assert isinstance(coat, Coat)
            paint.setColor(argb(color))
            self.canvas.drawPath(path, paint)
            self.canvas.save()
            self.canvas.clipPath(path, doAntiAlias=True)
            marks = pattern_path(coat, path.getBounds())
            self.canvas.drawPath(marks, skia.Paint(AntiAlias=True, Color=argb(coat.color2)))
            self.canvas.restore()
            veil = [argb((255, 255, 255), 0.2 * depth), 0x00808080, argb((28, 18, 48), 0.2 * depth)]
            paint.setColor(0xFF000000)
            paint.setShader(skia.GradientShader.MakeLinear(ends, veil))
            self.canvas.drawPath(path, paint)
        if outline:
            self.line(path, darker(color, 0.45), outline)

    def flat(self, path: skia.Path, color: Rgb, alpha: float = 1.0) -> None:
        """Fill a shape evenly, without an outline."""
        self._grow(path, 0)
        self.canvas.drawPath(path, skia.Paint(AntiAlias=True, Color=argb(color, alpha)))

    def wash(self, path: skia.Path, high: Rgb, low: Rgb, top: float, bottom: float) -> None:
        """Fill a shape from one colour at height `top` to another at height `bottom`."""
        self._grow(path, 0)
        ends = [skia.Point(0, top), skia.Point(0, bottom)]
        shader = skia.GradientShader.MakeLinear(ends, [argb(high), argb(low)])
        self.canvas.drawPath(path, skia.Paint(AntiAlias=True, Shader=shader))

    def line(self, path: skia.Path, color: Rgb, width: float = OUTLINE, alpha: float = 1.0) -> None:
        """Draw along a path with round ends."""
        self._grow(path, width / 2)
        self.canvas.drawPath(path, _pen(argb(color, alpha), width))

    def limb(self, points: Sequence[Point], color: Rgb, width: float) -> None:
        """An arm, a leg, a tail: a bent, outlined band of even width through the points."""
        path = curve(points) if len(points) > 2 else polyline(points)
        self._grow(path, width / 2 + OUTLINE / 2)
        self.canvas.drawPath(path, _pen(argb(darker(color, 0.45)), width + OUTLINE))
        tones = [argb(lighter(color, 0.14)), argb(darker(color, 0.14))]
        pen = _pen(argb(color), width - OUTLINE)
        pen.setShader(skia.GradientShader.MakeLinear(_light_axis(path), tones))
        self.canvas.drawPath(path, pen)

    @contextmanager
    def moved(
        self, x: float = 0, y: float = 0, turn: float = 0, scale: float = 1
    ) -> Iterator[None]:
        """Draw inside a frame of its own: turned by degrees and scaled about the given point."""
        self.canvas.save()
        self.canvas.translate(x, y)
        self.canvas.rotate(turn)
        self.canvas.scale(scale, scale)
        yield
        self.canvas.restore()

    @contextmanager
    def inside(self, path: skia.Path) -> Iterator[None]:
        """Draw only within a shape; what is cut away does not count for the bounds."""
        self._grow(path, 0)
        self._clips += 1
        self.canvas.save()
        self.canvas.clipPath(path, doAntiAlias=True)
        yield
        self.canvas.restore()
        self._clips -= 1

    def finish(self) -> Drawing:
        """The drawing; the brush is used up."""
        edges = [(r.left(), r.top(), r.right(), r.bottom()) for r in self._bounds]
        lefts, tops, rights, bottoms = zip(*edges, strict=True)
        bounds = (min(lefts), min(tops), max(rights), max(bottoms))
        return Drawing(self._recorder.finishRecordingAsPicture(), bounds)

    def _grow(self, path: skia.Path, margin: float) -> None:
        if self._clips:
            return
        here = skia.Path()
        path.transform(self.canvas.getTotalMatrix(), here)
        self._bounds.append(here.computeTightBounds().makeOutset(margin, margin))


def oval(cx: float, cy: float, rx: float, ry: float, square: float = 0.0) -> skia.Path:
    """An ellipse; `square` from 0 to 1 pulls it towards a rectangle."""
    k = 0.5523 + 0.4 * square
    path = skia.Path()
    path.moveTo(cx, cy - ry)
    path.cubicTo(cx + k * rx, cy - ry, cx + rx, cy - k * ry, cx + rx, cy)
    path.cubicTo(cx + rx, cy + k * ry, cx + k * rx, cy + ry, cx, cy + ry)
    path.cubicTo(cx - k * rx, cy + ry, cx - rx, cy + k * ry, cx - rx, cy)
    path.cubicTo(cx - rx, cy - k * ry, cx - k * rx, cy - ry, cx, cy - ry)
    path.close()
    return path


def rect(x: float, y: float, w: float, h: float, r: float = 0) -> skia.Path:
    """A rectangle from its top left corner, with round corners."""
    path = skia.Path()
    path.addRoundRect(skia.Rect.MakeXYWH(x, y, w, h), r, r)
    return path


def polyline(points: Sequence[Point], closed: bool = False) -> skia.Path:
    """Straight lines through the points."""
    path = skia.Path()
    path.addPoly([skia.Point(*p) for p in points], closed)
    return path


def rounded(points: Sequence[Point], radius: float) -> skia.Path:
    """A polygon with its corners rounded off."""
    path = skia.Path()
    count = len(points)
    for i, corner in enumerate(points):
        before, after = points[i - 1], points[(i + 1) % count]
        start, end = _towards(corner, before, radius), _towards(corner, after, radius)
        if i == 0:
            path.moveTo(*start)
        else:
            path.lineTo(*start)
        path.quadTo(*corner, *end)
    path.close()
    return path


def curve(points: Sequence[Point], closed: bool = False) -> skia.Path:
    """A smooth curve through all the points (Catmull-Rom)."""
    n = len(points)
    path = skia.Path()
    path.moveTo(*points[0])
    for i in range(n if closed else n - 1):
        p0 = points[i - 1] if closed or i > 0 else points[0]
        p1, p2 = points[i], points[(i + 1) % n]
        p3 = points[(i + 2) % n] if closed or i + 2 < n else p2
        path.cubicTo(
            p1[0] + (p2[0] - p0[0]) / 6,
            p1[1] + (p2[1] - p0[1]) / 6,
            p2[0] - (p3[0] - p1[0]) / 6,
            p2[1] - (p3[1] - p1[1]) / 6,
            *p2,
        )
    if closed:
        path.close()
    return path


def star(
    cx: float, cy: float, r: float, turn: float = 0, path: skia.Path | None = None
) -> skia.Path:
    """A five-pointed star, alone or added to a path."""
    path = skia.Path() if path is None else path
    corners = []
    for i in range(10):
        reach = r if i % 2 == 0 else r * 0.46
        angle = math.radians(36 * i - 90 + turn)
        corners.append(skia.Point(cx + reach * math.cos(angle), cy + reach * math.sin(angle)))
    path.addPoly(corners, True)
    return path


def heart(cx: float, cy: float, r: float) -> skia.Path:
    """A heart about two radii wide."""
    path = skia.Path()
    path.moveTo(cx, cy + r)
    path.cubicTo(cx - 2.2 * r, cy - 0.5 * r, cx - 0.8 * r, cy - 1.6 * r, cx, cy - 0.4 * r)
    path.cubicTo(cx + 0.8 * r, cy - 1.6 * r, cx + 2.2 * r, cy - 0.5 * r, cx, cy + r)
    path.close()
    return path


def pattern_path(coat: Coat, area: skia.Rect) -> skia.Path:
    """The marks of a coat's pattern over an area, anchored at the drawing's origin."""
    pitch = coat.pitch
    cx, cy = area.centerX(), area.centerY()
    reach = 0.5 * math.hypot(area.width(), area.height()) + pitch
    steps = range(-math.ceil(reach / pitch), math.ceil(reach / pitch) + 1)
    path = skia.Path()
    if coat.pattern == "striped":
        for i in steps:
            path.addRect(skia.Rect.MakeXYWH(-reach, i * pitch, 2 * reach, pitch * 0.5))
    elif coat.pattern == "checked":
        half = pitch * 0.62
        cells = range(-math.ceil(reach / half), math.ceil(reach / half) + 1)
        for i in cells:
            for j in cells:
                if (i + j) % 2 == 0:
                    path.addRect(skia.Rect.MakeXYWH(i * half, j * half, half, half))
    else:
        rng = np.random.Generator(np.random.PCG64(coat.seed))
        for i in steps:
            for j in steps:
                dx, dy, size = rng.random(3).tolist()
                x = (i + 0.5 * (j % 2) + 0.24 * (dx - 0.5)) * pitch
                y = (0.86 * j + 0.24 * (dy - 0.5)) * pitch
                if coat.pattern == "spotted":
                    path.addCircle(x, y, pitch * (0.24 + 0.13 * size))
                else:
                    star(x, y, pitch * (0.38 + 0.1 * size), 50 * dx, path)
    placed = skia.Path()
    turn = skia.Matrix().setTranslate(cx, cy)
    turn.preRotate(coat.slant if coat.pattern in ("striped", "checked") else 0)
    path.transform(turn, placed)
    return placed


def _pen(color: int, width: float) -> skia.Paint:
    return skia.Paint(
        AntiAlias=True,
        Color=color,
        Style=skia.Paint.kStroke_Style,
        StrokeWidth=width,
        StrokeCap=skia.Paint.kRound_Cap,
        StrokeJoin=skia.Paint.kRound_Join,
    )


def _light_axis(path: skia.Path) -> list[skia.Point]:
    box = path.getBounds()
    return [
        skia.Point(box.left() + 0.2 * box.width(), box.top()),
        skia.Point(box.left() + 0.8 * box.width(), box.bottom()),
    ]


def _towards(start: Point, end: Point, distance: float) -> Point:
    length = math.hypot(end[0] - start[0], end[1] - start[1]) or 1
    share = min(distance / length, 0.5)
    return start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
