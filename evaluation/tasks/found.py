"""What `Retrieve` finds in a photo, as plain JSON in shares of the photo.

    {"regions": [{"box": [x1, y1, x2, y2], "category": "dog", "score": 0.9,
                  "matches": [{"concept": "bo", "distance": 0.4, "accepted": true}, ...]}, ...],
     "accepted": [{"concept": "bo", "score": 0.9, "box": [x1, y1, x2, y2] or null}, ...]}

Matches are the nearest first. Distances go from 0 (the same) to 2.
"""

from collections.abc import Sequence
from typing import Any

from evaluation.controls import Asker
from evaluation.samples import Said, Sample
from evaluation.tasks.asking import shared
from kith.messages import Box, Retrieval

Found = dict[str, Any]


def look(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """Retrieve the photo that all of these samples are about, once."""
    photo = samples[0].photo
    assert photo is not None  # the tasks that look ask about nothing else
    reply = asker.retrieve(photo)
    value = told(reply.given)
    return [shared(one, reply, value, len(samples)) for one in samples]


def told(found: Retrieval) -> Found:
    """A retrieval as JSON."""

    def box(place: Box | None) -> list[float] | None:
        if place is None:
            return None
        across, down = found.width, found.height
        edges = (place.x1 / across, place.y1 / down, place.x2 / across, place.y2 / down)
        return [round(edge, 5) for edge in edges]

    regions = [
        {
            "box": box(region.box),
            "category": region.category,
            "score": round(region.score, 5),
            "matches": [
                {
                    "concept": match.concept,
                    "distance": round(match.distance, 5),
                    "accepted": match.accepted,
                }
                for match in region.matches
            ],
        }
        for region in found.regions
    ]
    accepted = [
        {"concept": used.concept, "score": round(used.score, 5), "box": box(used.box)}
        for used in found.accepted
    ]
    return {"regions": regions, "accepted": accepted}


def accepted(found: Found) -> list[str]:
    """Names of the concepts that the decision keeps, the most certain first."""
    return list(dict.fromkeys(one["concept"] for one in found["accepted"]))


def nearest(found: Found) -> list[tuple[str, float]]:
    """All concepts that any region is near to, each with its least distance, the nearest first."""
    best: dict[str, float] = {}
    for region in found["regions"]:
        for match in region["matches"]:
            name, distance = match["concept"], match["distance"]
            best[name] = min(distance, best.get(name, distance))
    return sorted(best.items(), key=lambda one: (one[1], one[0]))
