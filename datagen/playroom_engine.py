"""Playroom draws a plan's pictures: subjects in their boxes, clothes on wearers, scenes behind."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from datagen import playroom
from datagen.chance import shuffled
from datagen.engines import Asked, Drawn, Shown
from datagen.identities import SIZE, Identity
from datagen.layout import Box
from datagen.plan import Job, Settings
from datagen.playroom import Composition, Frame, Picture, Placement, Thing

NOBODY_NAMED: Final = "somebody"
"""Who wears what no subject can wear."""
SMALLEST: Final = 0.6
"""Of its box a subject fills at least this share a side: were it always the whole, pictures of one
subject would be near-copies, of which some are for training and some for the test."""
NEAREST: Final = 0.7
"""Of a place or scene at least this share a side is seen, for the same reason."""
GROUND: Final = 0.8
"""How far down a place what is seen reaches at least: things stand on the ground."""


class PlayroomEngine:
    """Draws concepts of Playroom. Place, light and poses are the seed's, not the prompt's.

    Args:
        known: The concepts of every job.
    """

    def __init__(self, known: Sequence[Identity]) -> None:
        self._known = {one.name: one for one in known}
        self._names = {one.drawn: one.name for one in known}

    @property
    def settings(self) -> Settings:
        """Its name, and pixels a side."""
        return {"name": "playroom", "size": SIZE}

    def picture(self, job: Job, attempt: int) -> Picture:
        """One attempt at a job, with the mask of each thing in it."""
        boxes = {self._known[part.concept].drawn: part.box for part in job.subjects}
        return playroom.render(compose(boxes, job.seed_at(attempt)), SIZE)

    @property
    def batch(self) -> int:
        """One: there is nothing to be shared."""
        return 1

    def draw_all(self, wanted: Sequence[tuple[Job, int]]) -> list[Drawn]:
        """Jobs, each at its attempt."""
        return [self.draw(job, attempt) for job, attempt in wanted]

    def draw(self, job: Job, attempt: int) -> Drawn:
        """One attempt at a job, counted from 0, with its whole truth."""
        seed = job.seed_at(attempt)
        subjects = [self._known[subject.concept] for subject in job.subjects]
        picture = self.picture(job, attempt)
        asked = playroom.questions(picture, self._names, self._absent(subjects, seed), seed)
        return Drawn(
            image=Image.fromarray(picture.image),
            subjects=tuple(self._shown(one.drawn, picture) for one in subjects),
            caption=playroom.caption(picture, self._names, seed),
            questions=tuple(Asked(one.text, one.answer, one.kind) for one in asked),
        )

    def _absent(self, present: Sequence[Identity], seed: int) -> list[tuple[str, playroom.Concept]]:
        """Who to ask for in vain: the look-alikes of those who are there, and one more."""
        others = [one for one in self._known.values() if one not in present]
        alike = [one for one in others if any(one.resembles(subject) for subject in present)]
        further = [one for one in others if one not in alike]
        chosen = alike + shuffled(further, seed, "absent")[:1]
        return [(one.name, one.drawn) for one in chosen]

    def _shown(self, subject: playroom.Concept, picture: Picture) -> Shown:
        (thing,) = (thing for thing in picture.things if thing.concept == subject)
        x1, y1, x2, y2 = (round(edge / picture.size, 4) for edge in thing.box)
        worn_by = self._names.get(thing.wearer, NOBODY_NAMED) if thing.wearer else ""
        return Shown((x1, y1, x2, y2), _visible(thing, picture), worn_by)


def compose(boxes: Mapping[playroom.Concept, Box], seed: int) -> Composition:
    """A picture of subjects in their boxes, the last one in front.

    Each stands somewhere in its box and fills most of it, before a part of a place or of a scene. A
    wearer has its own box and those of what it wears. Where there are clothes among several
    subjects and nobody to wear them, somebody without a name does; what can't be worn lies in its
    own box, behind the others.

    Args:
        boxes: Each subject's, in shares of the picture.
        seed: Of poses, places and light.
    """
    cast = sorted(boxes, key=lambda one: one.group != "wear")
    groups = {one.group for one in cast}
    if len(cast) > 1 and "wear" in groups and not groups & playroom.WEARERS.keys():
        cast.insert(0, playroom.stranger(seed, cast[0].split, "person"))
    whole: Box = (0.0, 0.0, 1.0, 1.0)
    composed = playroom.compose(cast, seed, [boxes.get(one, whole) for one in cast])
    rng = np.random.Generator(np.random.PCG64([seed, 61]))
    placements = tuple(
        replace(placement, box=_somewhere_in(_room(placement, boxes), rng))
        for placement in composed.placements
    )
    return replace(composed, placements=placements, frame=_frame(rng))


def _room(placement: Placement, boxes: Mapping[playroom.Concept, Box]) -> Box:
    """The boxes of a thing and of what it wears, together."""
    theirs = [boxes[one] for one in (placement.concept, *placement.worn) if one in boxes]
    lefts, tops, rights, bottoms = zip(*theirs, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def _somewhere_in(room: Box, rng: np.random.Generator) -> Box:
    """A box of the same proportions, at a place and of a size by chance."""
    x1, y1, x2, y2 = room
    size, right, down = SMALLEST + (1 - SMALLEST) * rng.random(), rng.random(), rng.random()
    left, top = x1 + (x2 - x1) * (1 - size) * right, y1 + (y2 - y1) * (1 - size) * down
    return left, top, left + (x2 - x1) * size, top + (y2 - y1) * size


def _frame(rng: np.random.Generator) -> Frame:
    """What is seen of the place, nearer or farther by chance."""
    side = NEAREST + (1 - NEAREST) * rng.random()
    highest, lowest = max(0.0, GROUND - side), 1 - side
    return Frame(lowest * rng.random(), highest + (lowest - highest) * rng.random(), side)


def _visible(thing: Thing, picture: Picture) -> float:
    """The share of a thing that nothing but its own clothes covers."""
    own = int(thing.mask.sum())
    if not own:
        return 0.0
    clothes = sum(int(one.mask.sum()) for one in picture.things if one.wearer == thing.concept)
    return round(min(1.0, (own + clothes) / (own / thing.visible)), 4)
