"""Look at concepts and edit them; every edit holds from the very next question on."""

import asyncio
from collections.abc import Sequence
from typing import NamedTuple

from kith.errors import NotFound, Refused
from memory_db import Concept, ConceptStore, Page, View
from memory_db.names import clean_category, clean_name
from services.assistant.memory import Memory
from services.assistant.methods import Method
from services.assistant.stages import Stages
from services.assistant.views import Photo, prepare, prepare_whole, view_of

DEFAULT_PAGE_SIZE = 100


class Filter(NamedTuple):
    """Which concepts are listed; an empty text asks for nothing."""

    category: str = ""
    display_name: str = ""
    forgotten_too: bool = False


async def get(store: ConceptStore, concept_id: str) -> Concept:
    """One concept.

    Raises:
        NotFound: There is none with this id.
    """
    return await asyncio.to_thread(store.get, concept_id)


async def get_view(store: ConceptStore, concept_id: str, view_id: str) -> tuple[View, bytes]:
    """One view of a concept, and its stored photo.

    Raises:
        NotFound: There is no such concept or view.
    """
    for view in (await get(store, concept_id)).views:
        if view.id == view_id:
            return view, await asyncio.to_thread(store.photo, view.blob)
    raise NotFound(
        f"there is no view {view_id} of that concept; get the concept to see which there are",
        reason="VIEW_NOT_FOUND",
    )


async def list_page(
    store: ConceptStore, wanted: Filter, page_size: int = 0, page_token: str = ""
) -> Page:
    """A page of concepts, the oldest first.

    Args:
        store: Of the user who asks.
        wanted: Which concepts.
        page_size: 0 for the default.
        page_token: Of the page before. It says with which concept to go on, so that edits made
            meanwhile neither repeat a concept nor hide one.

    Raises:
        InvalidInput: A text can't be one of a concept, or the token is none of ours.
    """
    return await asyncio.to_thread(
        store.list,
        page_size or DEFAULT_PAGE_SIZE,
        page_token,
        clean_category(wanted.category),
        clean_name(wanted.display_name) if wanted.display_name else "",
        forgotten_too=wanted.forgotten_too,
    )


async def update(
    store: ConceptStore,
    concept_id: str,
    etag: str,
    *,
    name: str | None,
    category: str | None,
    description: str | None,
) -> Concept:
    """Changes texts; None leaves one as it is.

    Raises:
        NotFound, InvalidInput, AlreadyExists: As `ConceptStore.update`.
        Stale: `etag` is given and not the concept's.
    """
    return await asyncio.to_thread(
        store.update, concept_id, etag, name=name, category=category, description=description
    )


async def add_views(
    stages: Stages,
    store: ConceptStore,
    concept_id: str,
    photos: Sequence[Photo],
    etag: str = "",
    request_id: str = "",
    *,
    to_learn_from: bool = False,
) -> Concept:
    """Adds views; where no box is given the concept's category says what to look for.

    With `to_learn_from` nothing is looked for: the photo is the view.

    Raises:
        NotFound, Stale, InvalidInput: As `ConceptStore.add_views` and `views.prepare`.
    """
    concept = await get(store, concept_id)
    preparing = prepare_whole if to_learn_from else prepare
    prepared = await preparing(stages, photos, concept.category)
    return await asyncio.to_thread(store.add_views, concept_id, prepared.views, etag, request_id)


async def remove_views(
    store: ConceptStore, concept_id: str, view_ids: Sequence[str], etag: str = ""
) -> Concept:
    """Takes views away.

    Raises:
        NotFound, Refused, Stale: As `ConceptStore.remove_views`.
    """
    return await asyncio.to_thread(store.remove_views, concept_id, view_ids, etag)


async def reject(
    method: Method,
    stages: Stages,
    store: ConceptStore,
    concept_id: str,
    photo: Photo,
    request_id: str = "",
) -> Concept:
    """Keeps a region as one that is not this concept.

    Where no box is given: the one that the method takes for the concept, else its likeliest place,
    else the whole photo.

    Raises:
        NotFound: There is no such concept.
        Refused: The method would not heed it.
        InvalidInput: The box is outside the photo.
    """
    concept = await get(store, concept_id)
    if not method.heeds_rejections:
        raise Refused(
            f"method: {method.name!r} would not heed a rejected view; forget the concept, or ask "
            "a server that runs kith",
            reason="METHOD_HAS_NO_REJECTION",
        )
    if photo.box is None:
        memory = await Memory.read(store)
        (found,) = await method.recognize(memory, stages, photo.image, [concept])
        photo = photo._replace(box=found.box)
    view = await view_of(stages, photo)
    return await asyncio.to_thread(store.reject, concept_id, view, request_id)


async def forget(store: ConceptStore, concept_id: str, etag: str = "") -> Concept:
    """Forgets a concept at once; it comes back with the time until which that can be undone.

    Raises:
        NotFound, Stale: As `ConceptStore.forget`.
    """
    return await asyncio.to_thread(store.forget, concept_id, etag)


async def unforget(store: ConceptStore, concept_id: str) -> Concept:
    """Brings a forgotten concept back.

    Raises:
        NotFound, AlreadyExists: As `ConceptStore.undo_forget`.
    """
    return await asyncio.to_thread(store.undo_forget, concept_id)
