"""The lines of `metadata.jsonl`: every line of a dataset has the same columns of the same kinds."""

from dataclasses import asdict
from typing import Any

from datagen.engines import Drawn, Shown
from datagen.plan import Job, Subject
from datagen.seeds import Concept

Row = dict[str, Any]
"""One line."""


def picture_row(job: Job, attempt: int, source: str, drawn: Drawn) -> Row:
    """The line of a picture that was drawn.

    Args:
        job: What was wanted.
        attempt: Which one was kept, from 0.
        source: The engine's name.
        drawn: What came of it.
    """
    return {
        "file_name": file_name(job),
        "source": source,
        "concepts": [subject.concept for subject in job.subjects],
        "caption": drawn.caption,
        "prompt": job.prompt,
        "table": job.table,
        "scenario": job.scenario,
        "subjects": [
            _subject(subject, shown)
            for subject, shown in zip(job.subjects, drawn.subjects, strict=True)
        ],
        "questions": [asdict(asked) for asked in drawn.questions],
        "seed": job.seed_at(attempt),
        "attempt": attempt,
    }


def photo_row(file: str, concept: Concept) -> Row:
    """The line of a real photo: what only a plan knows is empty."""
    return {
        "file_name": file,
        "source": "real",
        "concepts": [concept.name],
        "caption": "",
        "prompt": "",
        "table": "",
        "scenario": None,
        "subjects": [
            {
                "concept": concept.name,
                "category": concept.category,
                "noun": concept.noun,
                "role": "",
                "planned_box": [],
                "box": [],
                "visible": None,
                "worn_by": "",
            }
        ],
        "questions": [],
        "seed": None,
        "attempt": None,
    }


def seed_row(file: str, concept: Concept) -> Row:
    """The line of a seed picture."""
    return {
        "file_name": file,
        "concept": concept.name,
        "category": concept.category,
        "noun": concept.noun,
        "licence": concept.licence,
    }


def file_name(job: Job) -> str:
    """A job's picture in the folder of its part."""
    return f"{job.id.rpartition('/')[2]}.jpg"


def _subject(planned: Subject, shown: Shown) -> Row:
    return {
        "concept": planned.concept,
        "category": planned.category,
        "noun": planned.noun,
        "role": planned.role,
        "planned_box": list(planned.box),
        "box": list(shown.box or ()),
        "visible": shown.visible,
        "worn_by": shown.worn_by,
    }
