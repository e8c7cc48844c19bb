"""A small world of stripes, and a system that sees it: each concept is a colour.

A photo is a row of stripes, one a concept that it shows; a stranger has a colour of its own. The
system knows a concept by the colour of its first view, and the nearest colour within a threshold
is taken for it, so that every control takes something real away.
"""

import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.manifest import Concept
from evaluation.systems.system import Memory, Remembering
from kith.errors import KithError, NotFound, Refused
from kith.messages import (
    Answer,
    Box,
    Capabilities,
    Match,
    Model,
    Recognition,
    Region,
    Retrieval,
    Usage,
    UsedConcept,
)

COLORS = {
    "bo": (200, 30, 30),
    "mika": (180, 50, 30),  # looks like bo
    "lina": (30, 200, 30),
    "tor": (30, 30, 200),
    "ada": (200, 200, 30),
}
STRANGER = (120, 120, 120)
FURTHER = {f"far{n}": (250 - 20 * n, 20 * n, 255) for n in range(6)}
NEAR = 0.4
"""Distance from which on a colour is a stranger's."""
STRIPE = 20


def picture(*colors: tuple[int, int, int], height: int = 16) -> Image.Image:
    """A stripe a colour."""
    image = Image.new("RGB", (STRIPE * len(colors), height))
    for place, color in enumerate(colors):
        image.paste(color, (STRIPE * place, 0, STRIPE * (place + 1), height))
    return image


def write_world(folder: Path, singles: int = 2) -> Path:
    """A dataset of the form that has a manifest.json, and two folders of strangers beside it."""
    root = folder / "world"
    concepts = {}
    for name, color in COLORS.items():
        _save(root / name / "view.png", picture(color))
        tests = [f"{name}/{n}.png" for n in range(singles)]
        for n, file in enumerate(tests):
            _save(root / file, picture(color, height=20 + 2 * n))
        concepts[name] = {
            "category": "thing",
            "description": f"<{name}> is plain.",
            "train": [f"{name}/view.png"],
            "test": tests,
        }
    for names in (("bo", "lina"), ("lina", "tor"), ("bo", "tor", "ada")):
        file = f"{'-'.join(names)}.png"
        _save(root / file, picture(*(COLORS[name] for name in names)))
        for name in names:
            concepts[name].setdefault("multi", []).append(file)  # type: ignore[attr-defined]
    concepts["bo"]["alike"], concepts["mika"]["alike"] = ["mika"], ["bo"]
    (root / "manifest.json").write_text(json.dumps({"concepts": concepts}), encoding="utf-8")
    for n in range(3):
        _save(folder / "outside" / f"{n}.png", picture(STRANGER, height=30 + n))
        _save(folder / "outside-multi" / f"{n}.png", picture(STRANGER, STRANGER, height=30 + n))
    return root


def write_further(folder: Path) -> Path:
    """A dataset of further concepts."""
    root = folder / "further"
    concepts = {}
    for name, color in FURTHER.items():
        _save(root / name / "view.png", picture(color))
        concepts[name] = {"category": "thing", "train": [f"{name}/view.png"]}
    (root / "manifest.json").write_text(json.dumps({"concepts": concepts}), encoding="utf-8")
    return root


@dataclass
class StripeSystem:
    """See the module. Every call is written down."""

    name: str = "stripes"
    told: bool = False
    capabilities: Capabilities = field(default_factory=lambda: capabilities("stripes"))
    near: float = NEAR
    fails: Callable[[str], KithError | None] = lambda question: None
    """The error that a question ends in."""
    asked: list[str] = field(default_factory=list)
    remembered: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    """Fingerprints of the memories that were entered."""

    @contextmanager
    def opened(self) -> Iterator["StripeSystem"]:
        """As an `Opening`."""
        yield self

    @contextmanager
    def session(self, memory: Memory, remembering: Remembering) -> Iterator["StripeSession"]:
        self.sessions.append(memory.fingerprint)
        session = StripeSession(self)
        for done, concept in enumerate(memory.concepts):
            remembering(done, len(memory.concepts))
            session.remember(concept)
        yield session


def capabilities(name: str, **more: object) -> Capabilities:
    told = {
        "method": name,
        "positives_min": 1,
        "positives_max": 1,
        "negatives": 0,
        "captions": False,
        "description": True,
        "masks": False,
        "training": False,
        "real_time_edit": True,
        "text_only_qa": True,
        "retrieval": True,
        "max_concepts_at_once": 0,
        "models": (Model("generation", "stripes", "1"),),
        "version": "1",
    }
    return Capabilities(**told | more)  # type: ignore[arg-type]


class StripeSession:
    def __init__(self, system: StripeSystem) -> None:
        self._system = system
        self._known: dict[str, tuple[int, ...]] = {}
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()

    def remember(self, concept: Concept) -> int:
        content = concept.views[0].read_bytes()
        self._system.remembered.append(concept.name)
        self._known[concept.name] = _stripes(content)[0]
        self._said[concept.name] = concept.description
        return len(content)

    def rename(self, name: str, new: str) -> None:
        self._known = {new if one == name else one: c for one, c in self._known.items()}
        self._said = {new if one == name else one: s for one, s in self._said.items()}

    def describe(self, name: str, description: str) -> None:
        self._said[name] = description

    def forget(self, name: str) -> None:
        del self._known[name], self._said[name]

    def retrieve(self, photo: bytes) -> Retrieval:
        self._note("retrieve")
        if not self._system.capabilities.retrieval:
            raise Refused("it retrieves nothing", reason="METHOD_HAS_NO_RETRIEVAL")
        return self._seen(photo, list(self._known))

    def recognize(self, photo: bytes, names: Sequence[str]) -> list[Recognition]:
        self._note("recognize")
        for name in names:
            if name not in self._known:
                raise NotFound(f"concept: there is no {name!r}", reason="CONCEPT_NOT_FOUND")
        found = {used.concept: used for used in self._seen(photo, list(self._known)).accepted}
        return [
            Recognition(name, name in found, found[name].score if name in found else 0.0, None)
            for name in names
        ]

    def ask(self, question: str, photo: bytes | None, concepts: Sequence[str] | None) -> Answer:
        self._note(question)
        if error := self._system.fails(question):
            raise error
        known = list(self._known) if concepts is None else list(concepts)
        used = self._seen(photo, known).accepted if photo else ()
        there = [one.concept for one in used]
        return Answer(self._words(question, there), used, usage=Usage(10, 2))

    def _words(self, question: str, there: Sequence[str]) -> str:
        asked = re.findall("<([^<>]+)>", question)
        if question.startswith("Question:"):
            options = re.findall(r"^([A-Z])\. (.*)$", question, re.MULTILINE)
            said = self._said.get(asked[0], "") if asked else ""
            return next((letter for letter, option in options if option in said), "?")
        if "single word" in question:
            return "Yes" if set(asked) <= set(there) else "No"
        return "A photo of " + " and ".join(f"<{name}>" for name in there)

    def _seen(self, photo: bytes, names: Sequence[str]) -> Retrieval:
        stripes = _stripes(photo)
        regions, used = [], []
        for place, color in enumerate(stripes):
            box = Box(STRIPE * place, 0, STRIPE * (place + 1), 16)
            near = sorted((_distance(color, self._known[name]), name) for name in names)
            matches = [
                Match(name, distance, place == 0 and distance < self._system.near)
                for place, (distance, name) in enumerate(near)
            ]
            regions.append(Region(box, "thing", 1.0, tuple(matches)))
            used += [
                UsedConcept(one.concept, "", "", 0, box, 1 - one.distance)
                for one in matches
                if one.accepted
            ]
        return Retrieval(STRIPE * len(stripes), 16, tuple(regions), tuple(used))

    def _note(self, what: str) -> None:
        with self._lock:
            self._system.asked.append(what)


def _stripes(content: bytes) -> list[tuple[int, ...]]:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))
    return [tuple(map(int, pixels[8, x])) for x in range(STRIPE // 2, pixels.shape[1], STRIPE)]


def _distance(one: Sequence[int], other: Sequence[int]) -> float:
    apart = np.asarray(one, float) - np.asarray(other, float)
    return round(float(np.linalg.norm(apart)) / 255, 4)


def _save(path: Path, image: Image.Image) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
