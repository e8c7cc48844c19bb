"""Pictures in which things stand in given boxes, large and small, and clothes are worn.

Playroom's own layouts put things side by side on the ground, each as large as there is room for.
Where a dataset's layout says what stands where, they are smaller, above one another, partly hidden
and often dressed, and a detector that never saw that loses half of them.
"""

from dataclasses import replace

import numpy as np

from datagen import playroom

Box = tuple[float, float, float, float]

SMALLEST = 0.45
"""A side of a thing's box, as a share of its part of the picture."""
NEAREST = 0.65
"""A side of what is seen of a place, as a share of it."""


def stage(
    concepts: list[playroom.Concept], seed: int, rng: np.random.Generator
) -> playroom.Composition:
    """A picture of the concepts in boxes drawn at random; clothes are on whoever can wear them."""
    boxes = [_within(part, rng) for part in _parts(len(concepts), rng)]
    composed = playroom.compose(concepts, seed, boxes)
    side = NEAREST + (1 - NEAREST) * rng.random()
    left, top = (1 - side) * rng.random(2)
    return replace(composed, frame=playroom.Frame(float(left), float(top), float(side)))


def dressed(
    rng: np.random.Generator, ids: list[playroom.Concept], of_category: dict[str, list[int]]
) -> list[int]:
    """Draws somebody with one or two garments, and half the time something beside them."""
    group = str(rng.choice(list(playroom.WEARERS)))
    wearers = [c for c, kind in playroom.GROUPS.items() if kind == group and c in of_category]
    allowed = [word for word in playroom.WEARERS[group] if word in of_category]
    garments = list(rng.choice(allowed, min(len(allowed), int(rng.integers(1, 3))), replace=False))
    if "dress" in garments:
        garments = [word for word in garments if word not in ("shirt", "trousers")]
    kinds = [str(rng.choice(wearers)), *map(str, garments)]
    chosen = [int(rng.choice(of_category[kind])) for kind in kinds]
    other = int(rng.integers(len(ids)))
    if rng.random() < 0.5 and other not in chosen:
        chosen.append(other)
    return chosen


def _parts(count: int, rng: np.random.Generator) -> list[Box]:
    """Parts of the picture, beside or above one another or anywhere, in any order."""
    shares = 0.5 + rng.random(count)
    edges = np.concatenate([[0.0], np.cumsum(shares / shares.sum())]).clip(0, 1)
    low, high = 0.35 * rng.random(), 1 - 0.35 * rng.random()
    kind = rng.random()
    if kind < 0.5:
        parts = [(edges[i], low, edges[i + 1], high) for i in range(count)]
    elif kind < 0.7:
        parts = [(low, edges[i], high, edges[i + 1]) for i in range(count)]
    else:
        sides = 0.3 + 0.5 * rng.random((count, 2))
        corners = (1 - sides) * rng.random((count, 2))
        parts = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(corners, sides, strict=True)]
    return [(float(a), float(b), float(c), float(d)) for a, b, c, d in rng.permutation(parts)]


def _within(part: Box, rng: np.random.Generator) -> Box:
    """A box somewhere in a part."""
    x1, y1, x2, y2 = part
    size = SMALLEST + (1 - SMALLEST) * rng.random()
    width, height = (x2 - x1) * size, (y2 - y1) * size
    left = x1 + (x2 - x1 - width) * rng.random()
    top = y1 + (y2 - y1 - height) * rng.random()
    return float(left), float(top), float(left + width), float(top + height)
