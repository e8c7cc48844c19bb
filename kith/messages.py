"""What the client gives back: plain, frozen values.

A leaf module: it imports nothing of ours, and no gRPC.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

State = Literal["ready", "training", "outdated", "forgotten", "untrained"]
EditKind = Literal["none", "remembered", "updated", "forgotten", "purged"]
Loss = Literal["memory", "photos", "words", "training"]
"""The memory; the look at the photos, so that only what the text names was drawn on; the language
model, so that the text lists who was found; or concepts that are not trained yet."""

TrainingState = Literal["queued", "training", "done", "cancelled", "failed"]

MemoryFormat = Literal["kith", "rap"]
"""Kith's own archive (a tar file), or RAP's `database.json` folder (as a zip file)."""


BoxLike = tuple[float, float, float, float]
"""(x1, y1, x2, y2) in pixels of the upright photo; a `Box` is one."""


class Box(NamedTuple):
    """A rectangle in pixels of the upright photo, origin at the top left corner."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True)
class View:
    """A reference photo of a concept."""

    name: str
    """Resource name, `users/{user}/concepts/{concept}/views/{view}`."""
    box: Box | None
    """Where in the photo the concept is; None when it is the whole photo."""
    negative: bool
    """True for a view that shows what the concept is *not*."""
    created: datetime | None
    photo: bytes = b""
    """The photo as it is stored; given by `get_view` only."""


@dataclass(frozen=True)
class Concept:
    """What a user named: a dog, a mug, a person, a place."""

    name: str
    """Resource name, `users/{user}/concepts/{concept}`."""
    display_name: str
    category: str
    description: str
    views: tuple[View, ...] = ()
    etag: str = ""
    """Give it back with an edit, and the edit fails if someone else was faster."""
    state: State = "ready"
    created: datetime | None = None
    updated: datetime | None = None
    purged: datetime | None = None
    """When a forgotten concept is gone for good; None for one that is not forgotten."""

    @property
    def positive_views(self) -> tuple[View, ...]:
        """The views that show the concept."""
        return tuple(view for view in self.views if not view.negative)


@dataclass(frozen=True)
class Edit:
    """One edit of a memory, as `watch` reports it."""

    kind: EditKind
    """"none" for the first report of a watch: whoever lists after it misses nothing."""
    concept: Concept | None
    resume_token: str
    """Where to go on from after a break."""
    edited: datetime | None


@dataclass(frozen=True)
class Training:
    """How far a training is."""

    operation: str
    """Name of the operation that it can be followed by."""
    concepts: tuple[str, ...]
    """Resource names of the concepts that are trained."""
    queue_position: int
    """Trainings before this one; 0 when it runs."""
    epochs_done: int
    epochs_total: int
    """Epochs there will be at most; 0 while that is not known."""
    loss: float
    """Averaged over the last epoch."""
    remaining_s: float | None
    """An estimate of the time left; None while nothing is known of it."""
    done: bool = False
    state: TrainingState = "training"
    error: str = ""
    """Why it failed, or that it was cancelled."""

    @property
    def stopped_early(self) -> bool:
        """Whether it was done before all its epochs, since nothing got better."""
        return self.state == "done" and self.epochs_done < self.epochs_total


@dataclass(frozen=True)
class Match:
    """A region beside a concept."""

    concept: str
    """Display name."""
    distance: float
    """Of region and nearest view, 0 (the same) to 2."""
    accepted: bool
    """True when the decision keeps it."""
    concept_name: str = ""
    """Resource name."""
    view: str = ""
    """Resource name of the nearest view."""


@dataclass(frozen=True)
class Region:
    """A part of a query photo that may show a concept."""

    box: Box
    category: str
    """What the detector takes it for; empty for the whole photo."""
    score: float
    """How certain the detector is, 0 to 1."""
    matches: tuple[Match, ...]
    """The nearest concepts, the nearest first."""


@dataclass(frozen=True)
class UsedConcept:
    """A concept that an answer rests on, or that a photo shows."""

    concept: str
    """Display name."""
    concept_name: str
    """Resource name."""
    view: str
    """Resource name of the view it was known by; empty for a method that keeps none."""
    image_index: int | None
    """Which picture it is in, counted from 0; None when it was only named in the text."""
    box: Box | None
    score: float
    """How certain it is that the picture shows it, 0 to 1."""


@dataclass(frozen=True)
class Retrieval:
    """What was found in one photo."""

    width: int
    height: int
    regions: tuple[Region, ...]
    accepted: tuple[UsedConcept, ...]
    """The concepts that the decision keeps, the most certain first."""


@dataclass(frozen=True)
class Recognition:
    """Whether a photo shows a concept."""

    concept: str
    """Display name."""
    present: bool
    score: float
    """How certain it is that the photo shows it, 0 to 1."""
    box: Box | None
    """The most likely place; None when there is none."""
    concept_name: str = ""
    """Resource name."""
    view: str = ""
    """Resource name of the nearest view."""


@dataclass(frozen=True)
class Degradation:
    """What an answer had to do without, since a part of the service could not be reached."""

    loss: Loss
    reason: str
    """What failed, in UPPER_SNAKE."""
    message: str
    """The same in one line for people."""


class Usage(NamedTuple):
    """What an answer cost the language model."""

    prompt_tokens: int = 0
    """Pictures included."""
    answer_tokens: int = 0
    cached_tokens: int = 0
    """Of the prompt, those that the engine still knew; 0 where it does not tell."""


@dataclass(frozen=True)
class Answer:
    """An answer, and the concepts it rests on."""

    text: str
    concepts: tuple[UsedConcept, ...] = ()
    complete: bool = True
    """False when it was cut off at the longest answer allowed."""
    degradation: Degradation | None = None
    """What it had to do without; None when nothing was missing."""
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Piece:
    """The next piece of an answer that is being given."""

    text: str
    answer: Answer | None = None
    """The whole answer, with the last piece (whose text is empty)."""


@dataclass(frozen=True)
class ImportProblem:
    """An entry that was left out of an import."""

    entry: str
    reason: str
    message: str


@dataclass(frozen=True)
class Imported:
    """What came of an import."""

    concepts: tuple[Concept, ...]
    problems: tuple[ImportProblem, ...]


@dataclass(frozen=True)
class Model:
    """A model behind a stage of the pipeline."""

    stage: str
    name: str
    fingerprint: str


@dataclass(frozen=True)
class Capabilities:
    """What a method needs and can do; the fields are explained in `query.proto`."""

    method: str
    positives_min: int
    positives_max: int
    negatives: int
    captions: bool
    description: bool
    masks: bool
    training: bool
    real_time_edit: bool
    text_only_qa: bool
    retrieval: bool
    max_concepts_at_once: int
    models: tuple[Model, ...]
    version: str
