"""From a composition to pixels, masks and exact boxes."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import skia
from numpy.typing import NDArray

from datagen.playroom.backdrop import backdrop
from datagen.playroom.brush import Drawing, united
from datagen.playroom.composition import Box, Composition, Placement
from datagen.playroom.concept import Concept
from datagen.playroom.things import draw
from datagen.playroom.vocabulary import ACTIONS, FACINGS

_SOLID = 128  # alpha from which a pixel belongs to a thing
_SMALLEST, _LARGEST = 16, 2048


@dataclass(frozen=True, eq=False)
class Thing:
    """One concept as it came out in a picture.

    Attributes:
        concept: which one.
        box: the tight box of its visible pixels (x1, y1, x2, y2), in pixels, the far edges
            excluded; all zero when nothing of it is visible.
        mask: [height, width], true where it is the frontmost thing.
        z: 0 for the farthest thing.
        visible: visible pixels as a share of those it would fill if nothing covered it.
        action: what it does.
        facing: "left" or "right".
        wearer: for a worn garment, who wears it.
        background: true for the scene that fills the picture.
    """

    concept: Concept
    box: Box
    mask: NDArray[np.bool_]
    z: int
    visible: float
    action: str
    facing: str
    wearer: Concept | None = None
    background: bool = False


@dataclass(frozen=True, eq=False)
class Picture:
    """A drawn picture and the truth about it.

    Attributes:
        image: [height, width, 3], RGB.
        things: every concept in it, back to front; a background scene comes first.
        size: height and width in pixels.
    """

    image: NDArray[np.uint8]
    things: tuple[Thing, ...]
    size: int


@dataclass(frozen=True)
class _Layer:
    """What one thing would look like alone: premultiplied pixels of a part of the picture."""

    pixels: NDArray[np.uint8]
    left: int
    top: int


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A thing on the picture, its mask still uncut by what is in front of it."""

    concept: Concept
    solid: NDArray[np.bool_]
    action: str
    facing: str
    wearer: Concept | None
    background: bool = False


def render(composition: Composition, size: int = 128) -> Picture:
    """Draw a composition.

    Args:
        composition: what to draw.
        size: height and width in pixels, 16 to 2048.

    Raises:
        ValueError: a size out of range.
    """
    return _render(composition, size, simple=False)


def portrait(concept: Concept, seed: int, size: int = 128) -> Picture:
    """One reference view: the concept alone, filling most of the picture.

    Pose, side, light and the plain place behind it come from the seed. A scene fills it all.

    Raises:
        ValueError: a size out of range, a negative seed.
    """
    if concept.group == "scene":
        return render(Composition((), concept, seed), size)
    rng = np.random.Generator(np.random.PCG64([seed, 31]))
    actions = [action for action in ACTIONS[concept.group] if action != "worn"]
    side = 0.76 + 0.18 * float(rng.random())
    x, y = (0.02 + (0.96 - side) * float(share) for share in rng.random(2))
    placement = Placement(
        concept,
        (x, y, x + side, y + side),
        actions[rng.integers(len(actions))],
        FACINGS[rng.integers(2)],
    )
    return _render(Composition((placement,), None, seed), size, simple=True)


def _render(composition: Composition, size: int, simple: bool) -> Picture:
    if not _SMALLEST <= size <= _LARGEST:
        raise ValueError(f"size: {size} is not from {_SMALLEST} to {_LARGEST} pixels")
    rng = np.random.Generator(np.random.PCG64([composition.seed, 47]))
    pixels = np.zeros((size, size, 4), np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    canvas = surface.getCanvas()
    mirrored = _paint_background(canvas, composition, size, simple, rng)

    drawn: list[_Drawn] = []
    if composition.background is not None:
        facing = "left" if mirrored else "right"
        everywhere = np.ones((size, size), np.bool_)
        drawn.append(_Drawn(composition.background, everywhere, "standing", facing, None, True))
    for placement in composition.placements:
        drawings = draw(placement.concept, placement.action, placement.worn)
        matrix = _fit(drawings, placement, size, lean=3.5 * float(rng.random() * 2 - 1))
        _shadow(canvas, placement, drawings, matrix, size)
        for i, drawing in enumerate(drawings):
            layer = _layer(drawing, matrix, size, clipped=placement.concept.group == "scene")
            solid = _lay_over(pixels, layer)
            garment = placement.worn[i - 1] if i else None
            concept = garment or placement.concept
            action = "worn" if garment else placement.action
            wearer = placement.concept if garment else None
            drawn.append(_Drawn(concept, solid, action, placement.facing, wearer))
    image = _light(pixels[..., :3], rng)
    return Picture(image, _things(drawn, size), size)


def _things(drawn: list[_Drawn], size: int) -> tuple[Thing, ...]:
    """Cut what is in front out of every mask, from the front to the back."""
    things = []
    taken = np.zeros((size, size), np.bool_)
    for z, part in reversed(list(enumerate(drawn))):
        mask = part.solid & ~taken
        taken |= part.solid
        thing = Thing(
            concept=part.concept,
            box=_bounds(mask),
            mask=mask,
            z=z,
            visible=int(mask.sum()) / max(1, int(part.solid.sum())),
            action=part.action,
            facing=part.facing,
            wearer=part.wearer,
            background=part.background,
        )
        things.append(thing)
    return tuple(reversed(things))


def _bounds(mask: NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return 0.0, 0.0, 0.0, 0.0
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


def _paint_background(
    canvas: skia.Canvas, composition: Composition, size: int, simple: bool, rng: np.random.Generator
) -> bool:
    """Paint the place or the scene; true when it is mirrored."""
    mirrored = bool(rng.random() < 0.5)
    zoom = 1.0 + 0.16 * float(rng.random())
    pan = 100 * (zoom - 1) * float(rng.random())
    drop = 0.6 * (zoom - 1)
    if frame := composition.frame:
        zoom, pan, drop = 1 / frame.side, 100 * frame.left / frame.side, frame.top / frame.side
    scale = size / 100 * zoom
    canvas.save()
    if mirrored:
        canvas.translate(size, 0)
        canvas.scale(-1, 1)
    # Scenes are zoomed about the ground, so that the sky and not the ground is cut.
    canvas.translate(-pan * size / 100, -drop * size)
    canvas.scale(scale, scale)
    if composition.background is None:
        canvas.drawPicture(backdrop(composition.seed, simple))
    else:
        canvas.drawPicture(draw(composition.background, "standing")[0].picture)
    canvas.restore()
    return mirrored


def _fit(
    drawings: tuple[Drawing, ...], placement: Placement, size: int, lean: float
) -> skia.Matrix:
    """From drawing units to pixels: into the box, on its lower edge, leaning a little."""
    left, top, right, bottom = united(drawings)
    x1, y1, x2, y2 = (edge * size for edge in placement.box)
    scale = min((x2 - x1) / (right - left), (y2 - y1) / (bottom - top))
    matrix = skia.Matrix().setTranslate((x1 + x2) / 2, y2)
    if placement.concept.group not in ("landmark", "scene"):
        matrix.preRotate(lean)
        scale *= 0.97
    matrix.preScale(-scale if placement.facing == "left" else scale, scale)
    matrix.preTranslate(-(left + right) / 2, -bottom)
    return matrix


def _layer(drawing: Drawing, matrix: skia.Matrix, size: int, clipped: bool) -> _Layer:
    area = matrix.mapRect(skia.Rect.MakeLTRB(*drawing.bounds))
    left, top = max(0, int(area.left()) - 2), max(0, int(area.top()) - 2)
    right, bottom = min(size, int(area.right()) + 3), min(size, int(area.bottom()) + 3)
    pixels = np.zeros((max(1, bottom - top), max(1, right - left), 4), np.uint8)
    surface = skia.Surface(pixels, skia.kRGBA_8888_ColorType, skia.kPremul_AlphaType)
    canvas = surface.getCanvas()
    canvas.translate(-left, -top)
    canvas.concat(matrix)
    if clipped:
        frame = skia.RRect.MakeRectXY(skia.Rect.MakeLTRB(*drawing.bounds), 6, 6)
        canvas.clipRRect(frame, doAntiAlias=True)
    canvas.drawPicture(drawing.picture)
    return _Layer(pixels, left, top)


def _lay_over(pixels: NDArray[np.uint8], layer: _Layer) -> NDArray[np.bool_]:
    """Put a layer on the picture (whole-number arithmetic only) and return where it is solid."""
    rows = slice(layer.top, layer.top + layer.pixels.shape[0])
    columns = slice(layer.left, layer.left + layer.pixels.shape[1])
    under = pixels[rows, columns]
    alpha = layer.pixels[..., 3:].astype(np.uint16)
    faded = (under * (255 - alpha) + 127) // 255
    under[...] = np.minimum(faded + layer.pixels, 255)
    solid = np.zeros(pixels.shape[:2], np.bool_)
    solid[rows, columns] = layer.pixels[..., 3] >= _SOLID
    return solid


def _shadow(
    canvas: skia.Canvas,
    placement: Placement,
    drawings: tuple[Drawing, ...],
    matrix: skia.Matrix,
    size: int,
) -> None:
    """A soft patch on the ground; under a jump it lies lower and is paler."""
    area = matrix.mapRect(skia.Rect.MakeLTRB(*drawings[0].bounds))
    jump = placement.action == "jumping"
    reach = area.width() * (0.42 if jump else 0.56)
    y = area.bottom() + (0.07 * size if jump else -0.012 * size)
    shades = [(90 if jump else 140) << 24, (60 if jump else 90) << 24, 0]
    shader = skia.GradientShader.MakeRadial(skia.Point(0, 0), 1.0, shades, [0.0, 0.5, 1.0])
    canvas.save()
    canvas.translate(area.centerX(), y)
    canvas.scale(reach, reach * 0.2 + 0.01 * size)
    canvas.drawCircle(0, 0, 1, skia.Paint(AntiAlias=True, Shader=shader))
    canvas.restore()


def _light(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, a warm or cold tint and paper grain, in whole numbers only."""
    bright, warm = 0.9 + 0.22 * float(rng.random()), 0.07 * (2 * float(rng.random()) - 1)
    gains = [round(256 * bright * (1 + warm * part)) for part in (1.0, 0.15, -1.0)]
    lit = rgb.astype(np.int32) * np.array(gains, np.int32) >> 8
    grain = _grain()
    down, right = (int(step) for step in rng.integers(grain.shape[0], size=2))
    rows = (np.arange(rgb.shape[0]) + down) % grain.shape[0]
    columns = (np.arange(rgb.shape[1]) + right) % grain.shape[1]
    lit += grain[rows[:, None], columns[None, :], None]
    image: NDArray[np.uint8] = np.clip(lit, 0, 255).astype(np.uint8)
    return image


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.int32]:
    """A paper texture that tiles: fine fibres over coarse clouds, from -7 to 7."""
    rng = np.random.Generator(np.random.PCG64(5))
    fine = rng.integers(-24, 25, (256, 256), dtype=np.int32)
    fibres = fine + np.roll(fine, 1, 1) + np.roll(fine, 2, 1)
    coarse = np.repeat(np.repeat(rng.integers(-24, 25, (32, 32), dtype=np.int32), 8, 0), 8, 1)
    for axis in (0, 1):
        shifted = [np.roll(coarse, step, axis) for step in range(8)]
        coarse = np.stack(shifted).sum(axis=0, dtype=np.int32) // 8
    grain: NDArray[np.int32] = np.clip((fibres + 2 * coarse) // 14, -7, 7)
    return grain
