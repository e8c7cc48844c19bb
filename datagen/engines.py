"""What draws a dataset's pictures, and what is known of one that was drawn."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from PIL import Image

from datagen.layout import Box
from datagen.plan import Job, Settings
from datagen.seeds import Concept


class Source(Protocol):
    """A concept and where its pictures come from."""

    @property
    def concept(self) -> Concept:
        """Who it is."""

    def views(self) -> Iterator[Image.Image]:
        """Its seed pictures in RGB, upright, the reference first."""

    def photos(self) -> Iterator[Image.Image]:
        """Real photos of it to test with, in RGB, upright; often none."""


@dataclass(frozen=True)
class Shown:
    """A subject of a job as it came out."""

    box: Box | None
    """Around its visible pixels, in shares of the picture; None if nobody knows."""
    visible: float | None
    """What is not covered by other things, 0 to 1; its own clothes do not count as other things.
    None if nobody knows."""
    worn_by: str = ""
    """For a garment that is worn: the wearer's name, or "somebody"."""


@dataclass(frozen=True)
class Asked:
    """A question about a picture, with its true answer."""

    question: str
    answer: str
    kind: str


@dataclass(frozen=True, eq=False)
class Drawn:
    """A picture and what is known of it."""

    image: Image.Image
    """RGB."""
    subjects: tuple[Shown, ...]
    """In the job's order."""
    caption: str
    """One sentence that calls the concepts by their names, as in <bo>."""
    questions: tuple[Asked, ...]


class Engine(Protocol):
    """Draws pictures; the same job and attempt is the same picture."""

    @property
    def settings(self) -> Settings:
        """Its `name`, and whatever else the pictures depend on."""

    @property
    def batch(self) -> int:
        """How many pictures it draws at once."""

    def draw_all(self, wanted: Sequence[tuple[Job, int]]) -> list[Drawn]:
        """Jobs, each at its next attempt.

        Args:
            wanted: At most `batch` jobs, of a plan for concepts that the engine knows; with each
                its attempt, from 0.

        Raises:
            KithError: One can't be drawn.
        """


Judge = Callable[[Drawn], str | None]
"""Says why a picture is not good enough, as in "SUBJECT_COVERED", or None if it is."""

LEAST_VISIBLE: Final = 0.5
"""Of a subject."""
LEAST_SIDE: Final = 0.04
"""Of a subject's box, in shares of the picture."""


def judge_by_truth(drawn: Drawn) -> str | None:
    """Reject where a subject is known to be gone, half covered or too small to be seen."""
    for subject in drawn.subjects:
        if subject.visible is None or subject.box is None:
            continue
        x1, y1, x2, y2 = subject.box
        if subject.visible == 0:
            return "SUBJECT_MISSING"
        if subject.visible < LEAST_VISIBLE:
            return "SUBJECT_COVERED"
        if min(x2 - x1, y2 - y1) < LEAST_SIDE:
            return "SUBJECT_SMALL"
    return None
