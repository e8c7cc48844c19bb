"""The story that ships with Kith: five concepts, pictures of them, and what is true of each."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kith.messages import Box

FOLDER = Path(__file__).with_name("story")


@dataclass(frozen=True)
class Introduction:
    """A concept to remember, and the one picture it is remembered by."""

    name: str
    category: str
    description: str
    picture: Path


@dataclass(frozen=True)
class Question:
    """A question and its true answer."""

    text: str
    answer: str
    """A word or two; of a caption, the names it has to hold, as in `<bo> <mia>`."""
    kind: str
    """presence, color, pattern, position, action or caption."""


@dataclass(frozen=True)
class Scene:
    """A new picture."""

    title: str
    picture: Path
    present: dict[str, Box]
    """Who of the concepts is in it, and where."""
    questions: tuple[Question, ...]


@dataclass(frozen=True)
class Story:
    """What is shown, what is asked, and the truth."""

    concepts: tuple[Introduction, ...]
    scenes: tuple[Scene, ...]
    questions: tuple[Question, ...]
    """Asked without a picture."""


def load(folder: Path = FOLDER) -> Story:
    """The story in `folder`: `story.json` and the pictures it names."""
    told = json.loads((folder / "story.json").read_text(encoding="utf-8"))
    return Story(
        concepts=tuple(
            Introduction(**one | {"picture": folder / one["picture"]}) for one in told["concepts"]
        ),
        scenes=tuple(
            Scene(
                title=scene["title"],
                picture=folder / scene["picture"],
                present={name: Box(*box) for name, box in scene["present"].items()},
                questions=_questions(scene["questions"]),
            )
            for scene in told["scenes"]
        ),
        questions=_questions(told["questions"]),
    )


def _questions(told: list[dict[str, Any]]) -> tuple[Question, ...]:
    return tuple(Question(**one) for one in told)
