"""Playroom: a procedural picture world of identities, drawn from seeds.

    >>> from datagen import playroom
    >>> bo = playroom.sample_concept(seed=7, category="dog")
    >>> picture = playroom.render(playroom.compose([bo, playroom.stranger(3)], seed=1))
    >>> picture.image.shape
    (128, 128, 3)

Same seed, same bytes. The words are closed (`vocabulary`), the identities are not.
"""

from datagen.playroom.composition import Box, Composition, Frame, Placement, compose
from datagen.playroom.concept import (
    SPLITS,
    Concept,
    look_alike,
    sample_concept,
    stranger,
    tag,
)
from datagen.playroom.language import (
    POSITIONS,
    Question,
    caption,
    place_of,
    position,
    questions,
)
from datagen.playroom.palette import COLORS
from datagen.playroom.render import Picture, Thing, portrait, render
from datagen.playroom.vocabulary import (
    ACCESSORIES,
    ACTIONS,
    BUILDS,
    CATEGORIES,
    FACINGS,
    GROUPS,
    PATTERNS,
    SECOND_PARTS,
    WEARERS,
)

__all__ = [
    "ACCESSORIES",
    "ACTIONS",
    "BUILDS",
    "CATEGORIES",
    "COLORS",
    "FACINGS",
    "GROUPS",
    "PATTERNS",
    "POSITIONS",
    "SECOND_PARTS",
    "SPLITS",
    "WEARERS",
    "Box",
    "Composition",
    "Concept",
    "Frame",
    "Picture",
    "Placement",
    "Question",
    "Thing",
    "caption",
    "compose",
    "look_alike",
    "place_of",
    "portrait",
    "position",
    "questions",
    "render",
    "sample_concept",
    "stranger",
    "tag",
]
