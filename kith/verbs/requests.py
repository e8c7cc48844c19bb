"""Parts of requests that several verbs send, and the search for a concept by what it is called."""

from collections.abc import Sequence

from kith import replies
from kith.errors import InvalidInput, NotFound
from kith.messages import BoxLike, Concept
from kith.photos import Photo, photo_bytes
from kith.v1 import common_pb2, memory_pb2, resources_pb2
from kith.verbs.calls import PARENT, Call, Verb


def image(photo: Photo) -> common_pb2.Image:
    """A photo as it travels."""
    return common_pb2.Image(data=photo_bytes(photo))


def box(place: BoxLike | None) -> common_pb2.Box | None:
    """A box as it travels; None leaves it unset."""
    if place is None:
        return None
    x1, y1, x2, y2 = place
    return common_pb2.Box(x1=x1, y1=y1, x2=x2, y2=y2)


def new_views(
    images: Photo | Sequence[Photo],
    boxes: Sequence[BoxLike | None],
    captions: Sequence[str] = (),
    masks: Sequence[Photo | None] = (),
) -> list[resources_pb2.NewView]:
    """Photos to be added, each with its box, its caption and its mask.

    Raises:
        InvalidInput: There are boxes, captions or masks, but not one a photo.
    """
    photos = images if isinstance(images, list | tuple) else [images]
    for field, given in (("boxes", boxes), ("captions", captions), ("masks", masks)):
        if given and len(given) != len(photos):
            raise InvalidInput(
                f"{field}: there are {len(given)} for {len(photos)} photos; give one a photo, or "
                "none",
                reason=f"{field.upper()}_MISMATCH",
                field=field,
            )
    count = len(photos)
    nothing = [None] * count
    rows = zip(photos, boxes or nothing, captions or [""] * count, masks or nothing, strict=True)
    return [
        resources_pb2.NewView(
            photo=image(photo),
            box=box(place),
            caption=caption,
            mask=None if mask is None else image(mask),
        )
        for photo, place, caption, mask in rows
    ]


def all_pages(
    *, category: str = "", display_name: str = "", show_deleted: bool = False
) -> Verb[list[Concept]]:
    """The concepts that fit, however many pages they fill."""
    concepts: list[Concept] = []
    token = ""
    while True:
        page: memory_pb2.ListConceptsResponse = yield Call(
            "ListConcepts",
            memory_pb2.ListConceptsRequest(
                parent=PARENT,
                page_size=1000,
                page_token=token,
                category=category,
                display_name=display_name,
                show_deleted=show_deleted,
            ),
        )
        concepts += map(replies.concept, page.concepts)
        token = page.next_page_token
        if not token:
            return concepts


def by_display_name(display_name: str) -> Verb[Concept]:
    """The concept of that name.

    Raises:
        NotFound: There is none.
    """
    found = yield from all_pages(display_name=display_name)
    if not found:
        raise NotFound(
            f"concept: there is no {display_name!r}; list the concepts to see which there are",
            reason="CONCEPT_NOT_FOUND",
            field="concept",
        )
    return found[0]


def resource_name(concept: str) -> Verb[str]:
    """`concept` itself if it is a resource name, else the one of that display name."""
    if concept.startswith("users/"):
        return concept
    return (yield from by_display_name(concept)).name
