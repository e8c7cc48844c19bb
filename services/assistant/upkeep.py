"""Work on memories that nobody has open: mending them, and moving them to another embedder."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import NamedTuple

from kith.errors import Refused
from memory_db import Kept, MemoryPlace, Vectors
from memory_db.names import folder_name
from memory_db.reindex import Embed, Moved, is_empty, reindex
from memory_db.upkeep import Repaired, repair
from services.assistant.settings import AssistantSettings
from services.assistant.stores import place_of
from services.assistant.wiring import embedder_of
from services.runtime import images

Tell = Callable[[Kept, int, int], None]
"""Told how many concepts of a memory are done, and how many there are."""


class Mended(NamedTuple):
    """A memory, and what was mended in it."""

    memory: Kept
    repaired: Repaired


class Reindexed(NamedTuple):
    """A memory, and what of it has moved."""

    memory: Kept
    model: str
    """The embedder it has moved to."""
    moved: Moved


def mend(settings: AssistantSettings, user: str | None) -> list[Mended]:
    """Collects what crashes and lost files left behind, in every memory there is.

    Args:
        settings: Say where the memories are.
        user: The only one whose memories are mended; None for all.

    Raises:
        Refused: A memory is open.
        Unavailable: The server that keeps them can't be reached.
    """
    with closing(place_of(settings)) as place:
        return [Mended(memory, _mended(place, memory)) for memory in _kept(place, user)]


async def move(
    settings: AssistantSettings, user: str | None, source: str | None, tell: Tell
) -> list[Reindexed]:
    """Moves memories to the embedder of the profile; what has moved already stays moved.

    Args:
        settings: Say where the memories are, and which profile.
        user: The only one whose memory is moved; None for all.
        source: Name of the embedder whose memories are moved; None for the only other one.
        tell: Told of the progress, from another thread.

    Raises:
        Refused: A memory is open; there are several to choose from; a model can't be loaded.
        Unavailable: The server that keeps them, or the embedder, can't be reached.
    """
    loop = asyncio.get_running_loop()
    async with embedder_of(settings) as embedder:

        def embed(photos: Sequence[bytes]) -> Vectors:
            pictures = [images.decode(photo, field="photo") for photo in photos]
            return asyncio.run_coroutine_threadsafe(embedder.embed_images(pictures), loop).result()

        def move_all() -> list[Reindexed]:
            done = []
            with closing(place_of(settings)) as place:
                for old in _sources(place, user, source, embedder.name):
                    new = Kept(old.user, embedder.name, embedder.dim)
                    moved = _moved(place, old, new, embed, tell)
                    done.append(Reindexed(old, embedder.name, moved))
            return done

        return await asyncio.to_thread(move_all)


def _kept(place: MemoryPlace, user: str | None) -> list[Kept]:
    return [memory for memory in place.kept() if user is None or memory.user == folder_name(user)]


def _sources(place: MemoryPlace, user: str | None, source: str | None, to: str) -> list[Kept]:
    """The memories to move; each user has one of them at most."""
    found = [
        memory
        for memory in _kept(place, user)
        if memory.model == source or (source is None and memory.model != to)
    ]
    users = [memory.user for memory in found]
    if len(set(users)) < len(users):
        models = ", ".join(sorted({memory.model for memory in found}))
        raise Refused(
            f"from: there are memories of several embedders ({models}); name one of them",
            reason="SEVERAL_EMBEDDERS",
            field="from",
        )
    return found


def _mended(place: MemoryPlace, memory: Kept) -> Repaired:
    parts = place.open(memory)
    with closing(parts.index):
        return repair(parts.index, parts.photos)


def _moved(place: MemoryPlace, old: Kept, new: Kept, embed: Embed, tell: Tell) -> Moved:
    source = place.open(old)
    with closing(source.index):
        target = place.open(new)
        with closing(target.index):
            moved = reindex(source, target, embed, lambda done, of: tell(old, done, of))
        nothing_left = is_empty(source)
    if nothing_left:
        place.discard(old)
    return moved
