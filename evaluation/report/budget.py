"""Where the concepts of photos with several are lost: a budget that adds up.

Each concept that such a photo shows is named by the caption itself, named in a line of its own
after it (as `kith` does with whom its language model leaves out, asked on about them), or lost at
the first stage that fails it:

- detector: no region covers it;
- retriever: one does, and another concept is nearer to it;
- decision: it is the nearest, and is not accepted;
- generator: it is accepted, and the caption does not name it.

What the caption names though a stage had lost it counts as named. Captions are those of the neutral
prompt; what was found comes from identification, and where concepts are from grounding. A concept
whose place nobody knows is left out.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from evaluation.manifest import Box
from evaluation.metrics import iou
from evaluation.report.cells import Group, Row, Table, share
from evaluation.results import Answered
from evaluation.samples import Sample, Task
from evaluation.tasks.captioning import NEUTRAL
from evaluation.tasks.found import Found, accepted

COVERS: Final = 0.5
"""Intersection over union from which a region covers a concept."""

STAGES: Final = ("named", "named after it", "detector", "retriever", "decision", "generator")

_Key = tuple[str, str]
"""Dataset and photo."""


class Caption(NamedTuple):
    """Whom a caption names."""

    names: Collection[str]
    text: str
    shown: int
    """How many concepts the photo shows."""

    def first(self, concept: str) -> bool:
        """Whether it names a concept before a line begins with a name."""
        return f"<{concept}>" in self.text.partition("\n<")[0]


def ends_at(concept: str, box: Box, found: Found, caption: Caption) -> str:
    """Which of `STAGES` a concept ends at.

    Args:
        concept: Its name.
        box: Where it is, in shares of the photo.
        found: What `Retrieve` found in the photo, see `evaluation.tasks.found`.
        caption: Of the photo.
    """
    if concept in caption.names:
        return "named" if caption.first(concept) else "named after it"
    if concept in accepted(found):
        return "generator"
    regions = found["regions"]
    covering = [one["matches"] for one in regions if iou(tuple(one["box"]), box) >= COVERS]
    if not covering:
        return "detector"
    is_nearest = any(matches and matches[0]["concept"] == concept for matches in covering)
    return "decision" if is_nearest else "retriever"


class Budgets:
    """Budgets by method. Each method's parts are taken in any order, and then settled."""

    def __init__(self) -> None:
        self.of: dict[str, Counter[str]] = {}
        """By method, how many concepts end at each stage."""
        self.of_photos: dict[int, dict[str, Counter[str]]] = defaultdict(dict)
        """The same of the photos that show so many concepts."""
        self._captions: dict[_Key, Caption] = {}
        self._found: dict[_Key, Found] = {}
        self._boxes: dict[_Key, dict[str, Box]] = {}

    def take(self, task: Task, answered: Iterable[Answered]) -> None:
        """Remember what a part tells of photos with several concepts."""
        for one in answered:
            sample, value = one.sample, one.said.value
            if len(sample.present) < 2:
                continue
            if task is Task.CAPTIONING and sample.question == NEUTRAL:
                self._captions[_key(sample)] = Caption(value, one.said.text, len(sample.present))
            elif task is Task.IDENTIFICATION:
                self._found[_key(sample)] = value
            elif task is Task.GROUNDING:
                boxes = self._boxes.setdefault(_key(sample), {})
                boxes[sample.asked[0]] = tuple(sample.truth)

    def settle(self, method: str) -> None:
        """Make the budget of a method of what was taken, if it is enough, and begin anew."""
        for key, caption in self._captions.items():
            for concept, box in self._boxes.get(key, {}).items() if key in self._found else ():
                end = ends_at(concept, box, self._found[key], caption)
                self.of.setdefault(method, Counter())[end] += 1
                self.of_photos[caption.shown].setdefault(method, Counter())[end] += 1
        self._captions, self._found, self._boxes = {}, {}, {}


def shares(counts: Mapping[str, int]) -> list[float]:
    """What each of `STAGES` has, in shares of all; they add up to 1."""
    whole = sum(counts.values())
    return [counts.get(stage, 0) / whole for stage in STAGES]


def table(budgets: Budgets, methods: Sequence[str], absent: str) -> Table:
    """A line for each method, a column for each of `STAGES`; and for photos of so many concepts.

    Args:
        budgets: Of the methods that have one.
        methods: In their order.
        absent: Which of them have no budget, and why.
    """
    head = (*STAGES[:2], *(f"lost by the {stage}" for stage in STAGES[2:]))
    groups = [Group("", _rows(budgets.of, methods))]
    for shown, of in sorted(budgets.of_photos.items()) if len(budgets.of_photos) > 1 else ():
        groups.append(Group(f"photos that show {shown} concepts", _rows(of, methods)))
    notes = (absent,) if absent else ()
    return Table("The budget in numbers", head, tuple(groups), notes, first="method")


def _rows(of: Mapping[str, Mapping[str, int]], methods: Sequence[str]) -> tuple[Row, ...]:
    wholes = {name: sum(of[name].values()) for name in methods if name in of}
    return tuple(
        Row(name, tuple(share(of[name].get(stage, 0), whole, "concept") for stage in STAGES))
        for name, whole in wholes.items()
    )


def _key(sample: Sample) -> _Key:
    return sample.dataset, str(sample.photo)
