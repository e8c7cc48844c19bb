"""What stands where: placements, the layout that chooses them, and the checks on both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from datagen.playroom.brush import united
from datagen.playroom.concept import Concept
from datagen.playroom.things import DRESSING_ORDER, draw
from datagen.playroom.vocabulary import ACTIONS, FACINGS, WEARERS

Box = tuple[float, float, float, float]

# Height as a share of the picture, lowest and highest, when the thing is alone.
_HEIGHTS = {
    "person": (0.62, 0.88),
    "landmark": (0.6, 0.82),
    "character": (0.48, 0.74),
    "pet": (0.46, 0.72),
    "object": (0.34, 0.62),
    "wear": (0.38, 0.64),
    "scene": (0.4, 0.6),
}
_TRIES = 12
_MOST_COVERED = 0.4


@dataclass(frozen=True)
class Placement:
    """One concept in a picture.

    Attributes:
        concept: who or what.
        box: where, in shares of the picture (x1, y1, x2, y2); the drawing is fitted into it,
            standing on its lower edge, with its own proportions.
        action: one of `ACTIONS` of its group; left out, the group's first.
        facing: "left" or "right".
        worn: garments it wears, at most one of a category.
    """

    concept: Concept
    box: Box
    action: str = ""
    facing: str = "right"
    worn: tuple[Concept, ...] = ()

    def __post_init__(self) -> None:
        actions = tuple(a for a in ACTIONS[self.concept.group] if a != "worn")
        if not self.action:
            object.__setattr__(self, "action", actions[0])
        check_box("box", self.box)
        if self.action not in actions:
            raise ValueError(f"action: {self.action!r} is not one of {', '.join(actions)}")
        if self.facing not in FACINGS:
            raise ValueError(f"facing: {self.facing!r} is not one of {', '.join(FACINGS)}")
        allowed = WEARERS.get(self.concept.group, ())
        for garment in self.worn:
            if garment.category not in allowed:
                message = f"worn: a {self.concept.category} cannot wear a {garment.category}"
                raise ValueError(message)
        kinds = [garment.category for garment in self.worn]
        if len(set(kinds)) < len(kinds) or _clash(kinds):
            raise ValueError(f"worn: {', '.join(kinds)} cannot be worn together")
        ordered = sorted(self.worn, key=lambda garment: DRESSING_ORDER.index(garment.category))
        object.__setattr__(self, "worn", tuple(ordered))


class Frame(NamedTuple):
    """The square part of a place or scene that is seen, in shares of it."""

    left: float
    top: float
    side: float


@dataclass(frozen=True)
class Composition:
    """A whole picture before it is drawn.

    Attributes:
        placements: back to front.
        background: a scene concept that fills the picture, or none for an ordinary place.
        seed: chooses the place, the clutter and the light.
        frame: what is seen of the place or scene; left out, the seed takes nearly all of it.
    """

    placements: tuple[Placement, ...]
    background: Concept | None
    seed: int
    frame: Frame | None = None

    def __post_init__(self) -> None:
        if self.frame is not None:
            left, top, side = self.frame
            check_box("frame", (left, top, left + side, top + side))
        if self.background is not None and self.background.group != "scene":
            raise ValueError(f"background: a {self.background.category} is no scene")
        if self.seed < 0:
            raise ValueError(f"seed: {self.seed} is negative")


def compose(
    concepts: Sequence[Concept],
    seed: int,
    boxes: Sequence[Box] | None = None,
    background: Concept | None = None,
) -> Composition:
    """A sensible picture of the given concepts.

    The first scene becomes the background when none is given. Clothes are put on the first
    person, character or pet that can wear them; with nobody to wear them they lie by themselves.

    Args:
        concepts: one to four, in any order.
        seed: poses, layout, place and light.
        boxes: one box for each concept, in shares of the picture, the last one in front; a box
            of a background or of a worn garment is not used. Left out, a layout is drawn.
        background: a scene that fills the picture.

    Raises:
        ValueError: no concepts, or boxes that do not fit them.
    """
    if not concepts:
        raise ValueError("concepts: give at least one")
    if boxes is not None and len(boxes) != len(concepts):
        raise ValueError(f"boxes: {len(boxes)} for {len(concepts)} concepts; give one for each")
    rng = np.random.Generator(np.random.PCG64([seed, 23]))
    background, standing = _take_background(concepts, background)
    wardrobe = _dress(concepts, standing)
    shown = [i for i in standing if i in wardrobe]
    parts = [(concepts[i], *_pose(concepts[i], rng), tuple(wardrobe[i])) for i in shown]
    if boxes is not None:
        chosen = [boxes[i] for i in shown]
        order = list(range(len(shown)))
    else:
        chosen, order = _lay_out(parts, rng)
    placements = tuple(
        Placement(concept, chosen[i], action, facing, worn)
        for i in order
        for concept, action, facing, worn in [parts[i]]
    )
    return Composition(placements, background, seed)


def check_box(field: str, box: Box) -> None:
    """Refuse a box that is not inside the unit square or is empty.

    Raises:
        ValueError: naming the field.
    """
    x1, y1, x2, y2 = box
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise ValueError(f"{field}: {box} is not x1 < x2, y1 < y2 within 0 to 1")


_Part = tuple[Concept, str, str, tuple[Concept, ...]]


def _take_background(
    concepts: Sequence[Concept], background: Concept | None
) -> tuple[Concept | None, list[int]]:
    standing = list(range(len(concepts)))
    if background is None:
        scene = next((i for i in standing if concepts[i].group == "scene"), None)
        if scene is not None:
            background = concepts[scene]
            standing.remove(scene)
    return background, standing


def _dress(concepts: Sequence[Concept], standing: list[int]) -> dict[int, list[Concept]]:
    """What each thing that stands by itself wears, by its index."""
    ranks = {"person": 0, "character": 1, "pet": 2}
    wearers = [i for i in standing if concepts[i].group in ranks]
    wearers.sort(key=lambda i: ranks[concepts[i].group])
    wardrobe: dict[int, list[Concept]] = {i: [] for i in standing}
    for i in standing:
        if concepts[i].group != "wear":
            continue
        for wearer in wearers:
            kinds = [*(garment.category for garment in wardrobe[wearer]), concepts[i].category]
            allowed = concepts[i].category in WEARERS[concepts[wearer].group]
            if allowed and len(set(kinds)) == len(kinds) and not _clash(kinds):
                wardrobe[wearer].append(concepts[i])
                del wardrobe[i]
                break
    return wardrobe


def _clash(kinds: Sequence[str]) -> bool:
    return "dress" in kinds and ("shirt" in kinds or "trousers" in kinds)


def _pose(concept: Concept, rng: np.random.Generator) -> tuple[str, str]:
    actions = [action for action in ACTIONS[concept.group] if action != "worn"]
    first = rng.random() < (0.7 if concept.group == "object" else 0.3)
    action = actions[0] if first else actions[rng.integers(len(actions))]
    return action, FACINGS[rng.integers(2)]


def _lay_out(parts: Sequence[_Part], rng: np.random.Generator) -> tuple[list[Box], list[int]]:
    """Boxes for the parts, and their order from back to front."""
    best: tuple[float, list[Box], list[int]] = (2.0, [], [])
    for _ in range(_TRIES):
        boxes = _scatter(parts, rng)
        order = sorted(range(len(boxes)), key=lambda i: (boxes[i][3], i))
        worst = 0.0
        for place, i in enumerate(order):
            covered = sum(_overlap(boxes[i], boxes[j]) for j in order[place + 1 :])
            worst = max(worst, covered)
        if worst < best[0]:
            best = (worst, boxes, order)
        if worst <= _MOST_COVERED:
            break
    return best[1], best[2]


def _scatter(parts: Sequence[_Part], rng: np.random.Generator) -> list[Box]:
    count = len(parts)
    shrink = (1.0, 1.0, 0.96, 0.9, 0.84)[min(count, 4)]
    slots = rng.permutation(count)
    boxes = []
    for (concept, action, _, worn), slot in zip(parts, slots, strict=True):
        low, high = _HEIGHTS[concept.group]
        height = shrink * (low + (high - low) * float(rng.random()))
        if action in ("sitting", "lying"):
            height *= 0.78
        width = height * _aspect(concept, action, worn)
        widest = min(0.96, 1.55 / count)
        if width > widest:
            width, height = widest, height * widest / width
        spread = 0.5 / count
        x = (slot + 0.5) / count + spread * (float(rng.random()) - 0.5)
        x = min(max(x, width / 2 + 0.01), 0.99 - width / 2)
        far = concept.group == "landmark"
        y = (0.72 if far else 0.78) + (0.1 if far else 0.19) * float(rng.random())
        y = max(y - (0.1 if action == "jumping" else 0.0), height + 0.02)
        boxes.append((x - width / 2, y - height, x + width / 2, y))
    return boxes


def _aspect(concept: Concept, action: str, worn: tuple[Concept, ...]) -> float:
    """Width over height of the thing with what it wears."""
    left, top, right, bottom = united(draw(concept, action, worn))
    return (right - left) / (bottom - top)


def _overlap(under: Box, over: Box) -> float:
    """The share of one box that another covers."""
    wide = min(under[2], over[2]) - max(under[0], over[0])
    high = min(under[3], over[3]) - max(under[1], over[1])
    area = (under[2] - under[0]) * (under[3] - under[1])
    return max(0.0, wide) * max(0.0, high) / area
