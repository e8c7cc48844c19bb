"""Edits: whether the very next query sees one; in a memory of its own, one edit after the other.

Settings are what is done to a concept: it is renamed (`rename`), said to be something else
(`describe`) or forgotten (`forget`). Right after it one query is made, by `Retrieve`, `Recognize`
or a question, and then the edit is undone. `truth` tells which, and the new description, if there
is one.

The value is {"known": whether the concept was found in the photo before, "seen": whether the query
saw the edit}. `seen` is a share of the edits of concepts that were known: of who is not recognised
anyway nobody could tell. A description is seen when a question without a photo is answered by it:
one of the photo that is asked about or, if that has none, of another photo of the concept.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from evaluation.controls import Asker
from evaluation.manifest import Dataset, Photo, Question
from evaluation.metrics import option
from evaluation.results import Answered
from evaluation.samples import Said, Sample, Task
from evaluation.systems.system import Session
from evaluation.tasks import found, numbers
from evaluation.tasks.asking import Limits, Measured, Needs, alone, sample_id
from evaluation.tasks.choice import singles, some
from evaluation.tasks.queries import QUESTION
from evaluation.tasks.questions import worded
from kith.errors import NotFound
from kith.photos import photo_bytes

NEEDS: Final = Needs(retrieval=True, edits=True)
ABOUT: Final = "photo of one concept"
ALONE: Final = True
together = alone

_SETTINGS: Final = ("rename", "describe", "forget")
_QUERIES: Final = ("retrieve", "recognize", "ask")


def samples(dataset: Dataset, limits: Limits, seed: int) -> list[Sample]:
    """Of at most as many concepts as `limits.costs` says, the queries taking turns."""
    photos = some(singles(dataset, 1, seed), limits.costs, seed)
    made: list[Sample] = []
    for number, photo in enumerate(photos):
        by = _QUERIES[number % len(_QUERIES)]
        made += (_sample(dataset, edit, photo, {"by": by}) for edit in ("rename", "forget"))
        own = [one for one in dataset.singles if one.concepts == photo.concepts and one != photo]
        asked = ((one, question) for one in (photo, *own) for question in _without_photo(one))
        for other, question in islice(asked, 1):
            made.append(_sample(dataset, "describe", other, _otherwise(question), question))
    return made


def ask(asker: Asker, samples: Sequence[Sample]) -> list[Said]:
    """One edit, one query, and the edit undone."""
    (sample,) = samples
    session, photo = asker.session, sample.photo
    assert photo is not None  # `samples` gives each one
    shown = photo_bytes(photo)
    name = sample.asked[0]
    known = name in _accepted(session, shown)
    seen, seconds = _EDITS[sample.setting](asker, sample, shown)
    return [Said(sample.id, {"known": known, "seen": seen}, seconds=seconds)]


def figures(answered: Sequence[Answered]) -> list[Measured]:
    """See the module; `all` takes the three settings together."""
    known = [one for one in answered if one.said.value["known"]]
    made: list[Measured] = []
    for setting in (*_SETTINGS, "all"):
        rows = [
            (numbers.group_of(one), right(one))
            for one in known
            if setting in (one.sample.setting, "all")
        ]
        made += numbers.share(setting, "seen", rows)
    return made


def right(answered: Answered) -> bool:
    """Whether the query saw the edit."""
    return bool(answered.said.value["seen"])


def _sample(
    dataset: Dataset,
    edit: str,
    photo: Photo,
    truth: Mapping[str, Any],
    question: Question | None = None,
) -> Sample:
    options = question.options if question else ()
    return Sample(
        sample_id(dataset, Task.EDITS, edit, photo.id),
        Task.EDITS,
        dataset.name,
        edit,
        photo.path,
        photo.concepts,
        photo.concepts,
        worded(question.text, options) if question else QUESTION.format(f"<{photo.concepts[0]}>"),
        dict(truth),
    )


def _without_photo(photo: Photo) -> Iterator[Question]:
    """What is asked about a photo's concept without showing it."""
    return (one for one in photo.questions if not one.about_photo)


def _otherwise(question: Question) -> Mapping[str, Any]:
    """What a question is to be answered with once a description says so."""
    other = next(one for one in question.options if one != question.answer)
    said = f"<{question.concepts[0]}> is {other}."
    return {"by": "ask", "description": said, "answer": other, "options": list(question.options)}


def _rename(asker: Asker, sample: Sample, photo: bytes) -> tuple[bool, float]:
    name = sample.asked[0]
    new = f"{name}-renamed"
    asker.session.rename(name, new)
    try:
        return _timed(lambda: _names(asker.session, sample, photo, new) == {new})
    finally:
        asker.session.rename(new, name)


def _forget(asker: Asker, sample: Sample, photo: bytes) -> tuple[bool, float]:
    name = sample.asked[0]
    asker.session.forget(name)
    try:
        return _timed(lambda: not _names(asker.session, sample, photo, name))
    finally:
        asker.session.remember(asker.concepts[name])


def _describe(asker: Asker, sample: Sample, photo: bytes) -> tuple[bool, float]:
    name, truth = sample.asked[0], sample.truth
    asker.session.describe(name, truth["description"])
    try:
        return _timed(
            lambda: (
                option(asker.session.ask(sample.question, None, None).text, truth["options"])
                == truth["answer"]
            )
        )
    finally:
        asker.session.forget(name)
        asker.session.remember(asker.concepts[name])


_EDITS: Final[Mapping[str, Callable[[Asker, Sample, bytes], tuple[bool, float]]]] = {
    "rename": _rename,
    "describe": _describe,
    "forget": _forget,
}


def _names(session: Session, sample: Sample, photo: bytes, name: str) -> set[str]:
    """By which names a query knows the concept of a sample: its own, the one asked for, or none."""
    both = {sample.asked[0], name}
    by = sample.truth["by"]
    if by == "retrieve":
        return both & _accepted(session, photo)
    if by == "ask":
        question = sample.question.replace(f"<{sample.asked[0]}>", f"<{name}>")
        return both & {used.concept for used in session.ask(question, photo, None).concepts}
    return {one for one in both if _is_present(session, photo, one)}


def _is_present(session: Session, photo: bytes, name: str) -> bool:
    try:
        return session.recognize(photo, [name])[0].present
    except NotFound:
        return False


def _accepted(session: Session, photo: bytes) -> set[str]:
    return set(found.accepted(found.told(session.retrieve(photo))))


def _timed(query: Callable[[], bool]) -> tuple[bool, float]:
    began = time.monotonic()
    seen = query()
    return seen, time.monotonic() - began
