"""Answers to be looked at, right and wrong, with boxes on their photos."""

import io
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageOps

from evaluation.manifest import Box
from evaluation.report.page import Gallery, Mark, Shown
from evaluation.results import Answered
from evaluation.samples import Task
from evaluation.tasks.captioning import NEUTRAL

MOST_OF_EACH: Final = 2
"""Right ones, and wrong ones, of each method and kind of question."""
MOST: Final = 40
"""Photos in all, so that the page stays small."""
EDGE: Final = 320
"""Pixels of a photo's longer side at most."""
_HUES: Final = 8
_WORDS: Final = 240
"""Characters of a text that are shown."""
_SHOWN: Final = (Task.CAPTIONING, Task.RECOGNITION, Task.STRANGERS)


_Kind = tuple[str, Task, str, bool]
"""Of answers: by which method, to what, about which photos, and whether they are right."""


class Candidates:
    """Keeps the answers that may be shown, few of each kind, and where concepts are in photos."""

    def __init__(self) -> None:
        self._kept: dict[_Kind, list[Answered]] = {}
        self._boxes: dict[Path, dict[str, Box]] = {}

    def take(self, task: Task, answered: Iterable[Answered]) -> None:
        """Look at a part's answers. Which are kept, chance decides, the same each time."""
        for one in answered:
            sample = one.sample
            if sample.photo is None:
                continue
            if task is Task.GROUNDING:
                self._boxes.setdefault(sample.photo, {})[sample.asked[0]] = tuple(sample.truth)
            elif task in _SHOWN and _is_telling(one):
                kind = "several" if len(sample.present) > 1 else sample.setting
                kept = self._kept.setdefault((one.method, task, kind, _is_right(one)), [])
                kept.append(one)
                kept.sort(key=_chance)
                del kept[MOST_OF_EACH:]

    def gallery(self, methods: Sequence[str]) -> Gallery:
        """The gallery; photos that can't be read any more are left out.

        Args:
            methods: In their order.
        """
        rounds: list[Answered] = []
        kinds = _in_turn(self._kept, methods)
        for place in range(MOST_OF_EACH):
            rounds += [self._kept[kind][place] for kind in kinds if place < len(self._kept[kind])]
        chosen = sorted(
            rounds[:MOST],
            key=lambda one: (methods.index(one.method), one.sample.task, _is_right(one)),
        )
        shown = [self._shown(one) for one in chosen]
        return Gallery(tuple(one for one in shown if one))

    def _shown(self, one: Answered) -> Shown | None:
        sample = one.sample
        assert sample.photo is not None  # `take` keeps no other
        try:
            with Image.open(sample.photo) as opened:
                picture = ImageOps.exif_transpose(opened).convert("RGB")
        except (OSError, ValueError, Image.DecompressionBombError):
            return None
        picture.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
        packed = io.BytesIO()
        picture.save(packed, "WEBP", quality=72, method=6)
        return Shown(
            one.method,
            _is_right(one),
            packed.getvalue(),
            picture.size,
            _who(one),
            tuple(self._marks(one)),
            _short(sample.question),
            _short(one.said.text),
            _truth(one),
        )

    def _marks(self, one: Answered) -> Iterable[Mark]:
        boxes = self._boxes.get(one.sample.photo or Path(), {})
        for number, name in enumerate(one.sample.present):
            if name in boxes:
                missed = one.sample.task is Task.CAPTIONING and name not in one.said.value
                yield Mark(name, boxes[name], number % _HUES, missed)


def _in_turn(kinds: Iterable[_Kind], methods: Sequence[str]) -> list[_Kind]:
    """The kinds so ordered that the first ones are of all tasks, and of all methods."""
    before: Counter[tuple[str, Task]] = Counter()
    places = []
    for kind in sorted(kinds):
        method, task = kind[:2]
        places.append((before[method, task], _SHOWN.index(task), methods.index(method), kind))
        before[method, task] += 1
    return [kind for *_, kind in sorted(places)]


def _is_telling(one: Answered) -> bool:
    """Whether there is something to be seen in it: not one of the thousand plain noes."""
    if one.sample.task is Task.RECOGNITION:
        return bool(one.sample.truth) or not _is_right(one)
    return one.sample.question == NEUTRAL


def _is_right(one: Answered) -> bool:
    value, sample = one.said.value, one.sample
    if sample.task is Task.RECOGNITION:
        return value is sample.truth
    return set(value) == set(sample.present)


def _truth(one: Answered) -> str:
    if one.sample.task is Task.RECOGNITION:
        return "yes" if one.sample.truth else "no"
    return _who(one)


def _who(one: Answered) -> str:
    return " ".join(f"<{name}>" for name in one.sample.present) or "nobody it knows"


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 3]}..."


def _chance(one: Answered) -> tuple[int, str]:
    return zlib.crc32(one.sample.id.encode()), one.sample.id
