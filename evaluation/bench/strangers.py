"""Pictures that show no concept, of one thing each and of several."""

from collections.abc import Mapping
from functools import partial
from itertools import count, cycle, islice
from typing import Final

from datagen import playroom
from datagen.chance import seed_of, shuffled
from datagen.engines import judge_by_truth
from datagen.identities import Identity
from datagen.layout import Box
from datagen.layout_files import load
from datagen.pictures import jpeg
from datagen.plan import Job, Subject
from datagen.playroom_engine import PlayroomEngine
from evaluation.bench.crowd import Crowd
from evaluation.bench.drawings import Drawings
from evaluation.bench.splits import SPLITS

OUTSIDE: Final = "outside"
OUTSIDE_MULTI: Final = "outside-multi"

_MIDDLE: Final[Box] = (0.25, 0.25, 0.75, 0.75)
"""Where MP-Bench shows what is alone (Table 3.2)."""


def alone(wanted: int, held: set[str], crowd: Crowd) -> Drawings:
    """Pictures of one thing: in turn of a kind that the memory holds, and of one it does not."""
    kinds = sorted(held), sorted({*playroom.CATEGORIES} - held) or sorted(held)
    chosen = [
        crowd.next(kinds[number % 2][number // 2 % len(kinds[number % 2])])
        for number in range(wanted)
    ]
    return {
        f"{number:04d}.jpg": partial(_generated, {one: _MIDDLE}, seed_of(OUTSIDE, number))
        for number, one in enumerate(chosen, start=1)
    }


def together(wanted: int, crowd: Crowd) -> Drawings:
    """Pictures of several things, in the combinations of MP-Bench."""
    combinations = [(layout, one) for layout in map(load, SPLITS) for one in layout.multi]
    drawings = {}
    for number, (layout, combination) in enumerate(islice(cycle(combinations), wanted), start=1):
        boxes = {}
        for place, part in enumerate(combination.subjects):
            kinds = layout.concepts[part.category].playroom
            boxes[crowd.next(shuffled(kinds, OUTSIDE_MULTI, number, place)[0])] = part.box
        seed = seed_of(OUTSIDE_MULTI, number)
        drawings[f"{number:04d}.jpg"] = partial(_generated, boxes, seed)
    return drawings


def _generated(boxes: Mapping[Identity, Box], seed: int) -> bytes:
    """A picture as those of MP-Bench are made."""
    subjects = tuple(
        Subject(one.name, "", one.concept.category, one.concept.noun, box)
        for one, box in boxes.items()
    )
    job = Job("outside", "multi", "", "", 0, "", subjects, seed)
    engine = PlayroomEngine(list(boxes))
    attempts = (engine.draw(job, attempt) for attempt in count())
    return jpeg(next(drawn.image for drawn in attempts if judge_by_truth(drawn) is None))
