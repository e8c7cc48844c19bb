"""Photos gathered from several files, each photo once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from evaluation.manifest import Box, Photo, Question


@dataclass
class _Page:
    """What is known of a photo so far."""

    concepts: dict[str, None] = field(default_factory=dict)
    boxes: dict[str, Box] = field(default_factory=dict)
    source: str = "real"
    questions: list[Question] = field(default_factory=list)


class Album:
    """Photos by their ids, in the order in which they were first told of.

    Args:
        folder: The dataset's; an id is a path in it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pages: dict[str, _Page] = {}

    def __contains__(self, photo: str) -> bool:
        """Whether a photo was taken in."""
        return photo in self._pages

    def show(self, photo: str, concepts: Iterable[str] = (), source: str | None = None) -> None:
        """Take a photo in, and learn that it shows these, beside those that are known already."""
        page = self._pages.setdefault(photo, _Page())
        page.concepts |= dict.fromkeys(concepts)
        page.source = source or page.source

    def frame(self, photo: str, concept: str, box: Box) -> None:
        """Learn where a photo that was taken in shows a concept."""
        self._pages[photo].boxes[concept] = box

    def ask(self, photo: str, question: Question) -> None:
        """Put a question to a photo that was taken in."""
        self._pages[photo].questions.append(question)

    def ask_by(self, concept: str, question: Question) -> bool:
        """Put a question to the first photo of a concept alone, or of it among others.

        Returns:
            Whether there is such a photo.
        """
        shown = [page for page in self._pages.values() if concept in page.concepts]
        if shown:
            min(shown, key=lambda page: len(page.concepts) > 1).questions.append(question)
        return bool(shown)

    def photos(self) -> tuple[Photo, ...]:
        """Those that show a concept."""
        return tuple(photo for photo in self._all() if photo.concepts)

    def strangers(self) -> tuple[Photo, ...]:
        """Those that show none."""
        return tuple(photo for photo in self._all() if not photo.concepts)

    def _all(self) -> Iterator[Photo]:
        for id, page in self._pages.items():
            yield Photo(
                id=id,
                path=self._folder / id,
                concepts=tuple(page.concepts),
                boxes=page.boxes,
                source=page.source,
                questions=tuple(page.questions),
            )
