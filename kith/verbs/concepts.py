"""The verbs on the memory: remember, look up, edit, reject, forget, watch."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

from google.protobuf.field_mask_pb2 import FieldMask

from kith import replies
from kith.errors import InvalidInput, NotFound
from kith.messages import BoxLike, Concept, Edit, View
from kith.photos import Photo
from kith.v1 import memory_pb2, resources_pb2
from kith.verbs import requests, training
from kith.verbs.calls import PARENT, Call, Stream, Verb
from kith.verbs.training import Progress, silent


def remember(
    name: str,
    images: Photo | Sequence[Photo],
    *,
    category: str = "",
    description: str = "",
    boxes: Sequence[BoxLike | None] = (),
    negatives: Sequence[Photo] = (),
    captions: Sequence[str] = (),
    masks: Sequence[Photo | None] = (),
    wait: bool = True,
    progress: Progress = silent,
) -> Verb[Concept]:
    """Remember a concept by one or more photos of it.

    Args:
        name: What you call it, as in `bo`; `<bo>` stands for it in questions.
        images: One photo, or a list of them.
        category: The word for its kind, as in `dog`; left out, the detector says.
        description: What to know of it; left out, the language model writes it.
        boxes: Where it is, one a photo; None, or left out, for the one thing the detector finds.
        negatives: For a method that trains: photos without it; left out, the server has its own.
        captions: For one that learns from them: what each photo shows, with `<bo>` for bo.
        masks: For one that learns from them: white where it is, one a photo; None for none.
        wait: For a method that trains: return when it is trained. Else the concept is given back as
            soon as its training is in the queue.
        progress: For a method that trains: told how far it is, again and again.

    Raises:
        AlreadyExists: The name is taken.
        InvalidInput: A photo can't be used, or shows several things and has no box.
        Refused: The method can't train with what is given, or the training was cancelled.
    """
    wanted = resources_pb2.Concept(display_name=name, category=category, description=description)
    request = memory_pb2.RememberRequest(
        parent=PARENT,
        concept=wanted,
        views=requests.new_views(images, boxes, captions, masks),
        negatives=map(requests.image, negatives),
        request_id=str(uuid.uuid4()),
    )
    operation = yield Call("Remember", request)
    if wait:
        operation = yield from training.followed(operation, progress)
    if (told := replies.training(operation)) and not operation.done:
        progress(told)
        get = memory_pb2.GetConceptRequest(name=told.concepts[0])
        return replies.concept((yield Call("GetConcept", get)))
    return replies.concept(training.result(operation, resources_pb2.Concept))


def add_views(
    concept: str,
    images: Photo | Sequence[Photo],
    *,
    boxes: Sequence[BoxLike | None] = (),
    captions: Sequence[str] = (),
    masks: Sequence[Photo | None] = (),
) -> Verb[Concept]:
    """Add photos to a concept, by its display name or resource name.

    A method that trains learns from them when `train` is called, and not before. For the other
    arguments see `remember`.
    """
    views = requests.new_views(images, boxes, captions, masks)
    name = yield from requests.resource_name(concept)
    request = memory_pb2.AddViewsRequest(name=name, views=views, request_id=str(uuid.uuid4()))
    return replies.concept((yield Call("AddViews", request)))


def remove_views(concept: str, views: Sequence[str]) -> Verb[Concept]:
    """Remove views of a concept, by their resource names."""
    name = yield from requests.resource_name(concept)
    request = memory_pb2.RemoveViewsRequest(name=name, views=views)
    return replies.concept((yield Call("RemoveViews", request)))


def get(concept: str) -> Verb[Concept]:
    """Return a concept, by its display name or resource name.

    Raises:
        NotFound: There is none of that name.
    """
    if concept.startswith("users/"):
        request = memory_pb2.GetConceptRequest(name=concept)
        return replies.concept((yield Call("GetConcept", request)))
    return (yield from requests.by_display_name(concept))


def get_view(view: str) -> Verb[View]:
    """Return a view with its photo, by its resource name."""
    return replies.view((yield Call("GetView", memory_pb2.GetViewRequest(name=view))))


def list_concepts(*, category: str = "", forgotten: bool = False) -> Verb[list[Concept]]:
    """Return all concepts, the oldest first.

    Args:
        category: Only those of this category.
        forgotten: Also those that are forgotten and can still be brought back.
    """
    return (yield from requests.all_pages(category=category, show_deleted=forgotten))


def edit(
    concept: str,
    *,
    name: str | None = None,
    category: str | None = None,
    description: str | None = None,
    etag: str = "",
) -> Verb[Concept]:
    """Change what a concept is called, its category or its description; the rest stays.

    Raises:
        AlreadyExists: The new name is taken.
        Stale: An etag was given, and someone else was faster.
    """
    words = {"display_name": name, "category": category, "description": description}
    given = [field for field, word in words.items() if word is not None]
    if not given:
        raise InvalidInput(
            "edit: nothing to change; give a new name, category or description",
            reason="NOTHING_TO_CHANGE",
        )
    wanted = resources_pb2.Concept(
        name=(yield from requests.resource_name(concept)),
        etag=etag,
        display_name=name or "",
        category=category or "",
        description=description or "",
    )
    request = memory_pb2.UpdateConceptRequest(concept=wanted, update_mask=FieldMask(paths=given))
    return replies.concept((yield Call("UpdateConcept", request)))


def reject(concept: str, image: Photo, *, box: BoxLike | None = None) -> Verb[Concept]:
    """Say that a photo, or the box in it, does not show the concept; it is heeded at once."""
    photo = requests.image(image)
    name = yield from requests.resource_name(concept)
    request = memory_pb2.RejectMatchRequest(
        name=name, photo=photo, box=requests.box(box), request_id=str(uuid.uuid4())
    )
    return replies.concept((yield Call("RejectMatch", request)))


def forget(concept: str) -> Verb[Concept]:
    """Forget a concept at once; until its `purged` time `unforget` brings it back."""
    name = yield from requests.resource_name(concept)
    return replies.concept((yield Call("Forget", memory_pb2.ForgetRequest(name=name))))


def unforget(concept: str) -> Verb[Concept]:
    """Bring a forgotten concept back; of several of one name, the last one forgotten.

    Raises:
        NotFound: None of that name is forgotten, or it is gone for good.
        AlreadyExists: Its name is in use again.
    """
    name = concept
    if not concept.startswith("users/"):
        found = yield from requests.all_pages(display_name=concept, show_deleted=True)
        forgotten = [one for one in found if one.state == "forgotten"]
        if not forgotten:
            raise NotFound(
                f"concept: no {concept!r} is forgotten; list the forgotten ones to see which are",
                reason="CONCEPT_NOT_FOUND",
                field="concept",
            )
        name = max(forgotten, key=lambda one: one.purged or datetime.min.replace(tzinfo=UTC)).name
    return replies.concept((yield Call("Unforget", memory_pb2.UnforgetRequest(name=name))))


def watch(*, resume_token: str = "") -> Stream[Edit]:
    """Follow the edits of the memory, whoever makes them.

    Args:
        resume_token: Of the last edit seen; what came after it is reported first.
    """
    request = memory_pb2.WatchConceptsRequest(parent=PARENT, resume_token=resume_token)
    return Stream(Call("WatchConcepts", request, patient=True), replies.edit)
