"""From a concept to what a drawer needs, and from a drawn body to what clothes need."""

from dataclasses import dataclass, field
from functools import cached_property

import skia

from datagen.playroom.brush import Brush, Coat, Point, heart, oval, polyline, star
from datagen.playroom.concept import Concept
from datagen.playroom.palette import CREAM, GOLD, INK, Rgb, darker, shift

RED: Rgb = (208, 44, 50)
BLUE: Rgb = (58, 98, 198)
SUN: Rgb = (252, 206, 62)


@dataclass(frozen=True)
class Look:
    """A concept's drawing parameters."""

    concept: Concept

    def ratio(self, index: int, low: float, high: float) -> float:
        """The concept's own number in a range, from its proportions."""
        return low + (high - low) * self.concept.proportions[index]

    def pick(self, index: int, count: int) -> int:
        """The concept's own choice among `count`."""
        return min(count - 1, int(self.concept.proportions[index] * count))

    def by_build(self, slim: float, round_: float, sturdy: float) -> float:
        """A number that depends on the build."""
        return {"slim": slim, "round": round_, "sturdy": sturdy}[self.concept.build]

    @cached_property
    def main(self) -> Rgb:
        """The main colour in this concept's own tone."""
        return shift(self.concept.color, self.concept.proportions[9])

    @cached_property
    def second(self) -> Rgb:
        """The second colour in this concept's own tone."""
        return shift(self.concept.color2, self.concept.proportions[10])

    @property
    def square(self) -> float:
        """How far ovals lean towards rectangles."""
        return self.by_build(0.2, 0.0, 0.8)

    def coat(self, pitch: float = 13) -> Coat:
        """The main surface with its pattern."""
        slants = (0.0, 35.0, 90.0, -35.0) if self.concept.pattern == "striped" else (0.0, 45.0)
        return Coat(
            self.main,
            self.second,
            self.concept.pattern,
            pitch * self.ratio(8, 0.9, 1.15),
            slants[self.pick(11, len(slants))],
            int(self.concept.proportions[11] * 1000),
        )


@dataclass
class Frame:
    """Where clothes and accessories go on a body.

    `arms` run shoulder, elbow, hand; `legs` run hip, knee, foot. Pets have no arms and their
    `torso` lies; `lying` tells.
    """

    head: Point
    head_size: tuple[float, float]
    neck: Point
    neck_width: float
    torso: skia.Path
    waist: tuple[Point, Point] = ((0, 0), (0, 0))
    arms: list[list[Point]] = field(default_factory=list)
    legs: list[list[Point]] = field(default_factory=list)
    limb: float = 7
    leg: float = 8
    lean: float = 0
    lying: bool = False


def eyes(brush: Brush, x: float, y: float, gap: float, size: float) -> None:
    """Two shining eyes."""
    for side in (-1, 1):
        brush.flat(oval(x + side * gap, y, size, size * 1.2), INK)
        brush.flat(
            oval(x + side * gap + 0.35 * size, y - 0.45 * size, 0.36 * size, 0.36 * size), CREAM
        )


def smile(brush: Brush, x: float, y: float, width: float, stroke: float = 1.3) -> None:
    """A smiling mouth, its corners at height y."""
    path = skia.Path()
    path.moveTo(x - width, y)
    path.quadTo(x, y + width * 1.1, x + width, y)
    brush.line(path, INK, stroke)


def bow(brush: Brush, x: float, y: float, size: float, color: Rgb) -> None:
    """A ribbon bow."""
    for side in (-1, 1):
        wing = polyline(
            [(x, y), (x + side * size, y - 0.62 * size), (x + side * size, y + 0.62 * size)], True
        )
        brush.fill(wing, color, outline=1.2)
    brush.fill(oval(x, y, 0.3 * size, 0.34 * size), darker(color, 0.1), outline=1.2)


def badge(brush: Brush, look: Look, x: float, y: float, size: float) -> None:
    """An object's accessory on its front; x, y is the front's middle."""
    kind = look.concept.accessory
    if kind == "red ribbon":
        bow(brush, x, y, size * 1.1, RED)
    elif kind == "gold star":
        star_badge(brush, x, y, size)
    elif kind == "smiling face":
        brush.fill(oval(x, y, size * 1.3, size * 1.05), CREAM, outline=1.0)
        eyes(brush, x, y - 0.2 * size, 0.5 * size, 0.2 * size)
        smile(brush, x, y + 0.25 * size, 0.45 * size)


def star_badge(brush: Brush, x: float, y: float, size: float) -> None:
    """A gold star on a dark disc, so that it shows on every colour."""
    brush.fill(oval(x, y, size * 1.12, size * 1.12), (72, 58, 84), outline=0)
    brush.fill(star(x, y, size), GOLD, outline=0.8, depth=0.5)


def heart_badge(brush: Brush, x: float, y: float, size: float) -> None:
    """A red heart with a pale rim."""
    brush.fill(heart(x, y, size * 1.4), CREAM, outline=0)
    brush.fill(heart(x, y, size), RED, outline=0.8)


def glint(brush: Brush, x: float, y: float, width: float, height: float, turn: float = 0) -> None:
    """A soft highlight on a glossy surface."""
    with brush.moved(x, y, turn):
        brush.flat(oval(0, 0, width, height), (255, 255, 255), 0.42)
