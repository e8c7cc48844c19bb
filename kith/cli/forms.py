"""What `--json` prints: the fixed forms that other people's scripts read."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from kith.messages import (
    Answer,
    Box,
    Capabilities,
    Concept,
    Edit,
    Imported,
    Recognition,
    Retrieval,
    Training,
    View,
)

Form = dict[str, Any]


def concept(one: Concept) -> Form:
    """A concept in short."""
    return {
        "name": one.name,
        "display_name": one.display_name,
        "category": one.category,
        "description": one.description,
        "views": len(one.positive_views),
        "state": one.state,
    }


def concepts(all_of_them: Iterable[Concept]) -> Form:
    """A list of concepts; forgotten ones say until when they can be brought back."""
    return {
        "concepts": [
            concept(one) | ({"purged": _time(one.purged)} if one.purged else {})
            for one in all_of_them
        ]
    }


def concept_in_full(one: Concept) -> Form:
    """A concept with each of its views."""
    return concept(one) | {
        "views": [_view(view) for view in one.views],
        "created": _time(one.created),
        "updated": _time(one.updated),
    }


def forgotten(one: Concept) -> Form:
    """A forgotten concept, and until when it can be brought back."""
    return {
        "name": one.name,
        "display_name": one.display_name,
        "purged": _time(one.purged),
    }


def edit(one: Edit) -> Form:
    """One edit of a watched memory."""
    return {
        "edit": one.kind,
        "concept": concept(one.concept) if one.concept else None,
        "resume_token": one.resume_token,
        "edited": _time(one.edited),
    }


def retrieval(image: str, found: Retrieval) -> Form:
    """What was found in one photo."""
    return {
        "image": image,
        "regions": [
            {
                "box": _box(region.box),
                "category": region.category,
                "score": _share(region.score),
                "matches": [
                    {
                        "concept": match.concept,
                        "distance": _share(match.distance),
                        "accepted": match.accepted,
                    }
                    for match in region.matches
                ],
            }
            for region in found.regions
        ],
        "accepted": [used.concept for used in found.accepted],
    }


def recognitions(all_of_them: Iterable[Recognition]) -> Form:
    """Which concepts a photo shows."""
    return {
        "concepts": [
            {
                "concept": one.concept,
                "present": one.present,
                "score": _share(one.score),
                "box": _box(one.box),
            }
            for one in all_of_them
        ]
    }


def answer(given: Answer) -> Form:
    """An answer and what it rests on."""
    return {
        "answer": given.text,
        "concepts": [
            {
                "concept": used.concept,
                "view": used.view,
                "box": _box(used.box),
                "score": _share(used.score),
            }
            for used in given.concepts
        ],
        "degradation": given.degradation and vars(given.degradation),
    }


def imported(done: Imported) -> Form:
    """What came of an import."""
    return {
        "concepts": [one.display_name for one in done.concepts],
        "problems": [vars(problem) for problem in done.problems],
    }


def capabilities(can: Capabilities) -> Form:
    """What a method needs and can do."""
    return vars(can) | {"models": [vars(model) for model in can.models]}


def trainings(all_of_them: Iterable[Training], names: Mapping[str, str]) -> Form:
    """Trainings, the oldest first; `names` are display names of concepts by resource names."""
    return {
        "trainings": [
            {
                "operation": one.operation,
                "concepts": [names.get(concept, concept) for concept in one.concepts],
                "state": one.state,
                "queue_position": one.queue_position,
                "epochs_done": one.epochs_done,
                "epochs_total": one.epochs_total,
                "loss": _share(one.loss),
                "remaining_s": one.remaining_s,
                "error": one.error,
            }
            for one in all_of_them
        ]
    }


def _view(view: View) -> Form:
    return {
        "name": view.name,
        "box": _box(view.box),
        "negative": view.negative,
        "created": _time(view.created),
    }


def _box(box: Box | None) -> list[float] | None:
    return None if box is None else [round(edge, 2) for edge in box]


def _share(value: float) -> float:
    return round(value, 4)  # the wire carries single precision: 0.9 comes as 0.8999999762


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
