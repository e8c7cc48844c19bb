"""Watch: the edits of a memory as they are made."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Final, NamedTuple

from kith.errors import InvalidInput, Unavailable
from memory_db import Concept, ConceptStore, EditKind
from services.runtime.hop import is_stopping
from services.runtime.identity import check_admission

_INTERVAL_S: Final = 0.1
"""How often the log is looked at. That costs microseconds; a thread waiting for each watcher would
soon leave none for the memory itself."""


class Seen(NamedTuple):
    """An edit, as a watcher sees it."""

    kind: EditKind | None
    """None for the first message of a watch."""
    concept_id: str
    concept: Concept | None
    """As it was after the edit; None when it is gone for good."""
    resume_token: str
    """Where to go on from after a break."""
    time: datetime | None


async def watch(store: ConceptStore, resume_token: str = "") -> AsyncGenerator[Seen, None]:
    """A first message, then every edit for as long as the caller listens.

    Args:
        store: Of the user who watches.
        resume_token: Of the last edit seen, which is where to begin; empty: now.

    Raises:
        InvalidInput: The token is none of ours.
        Refused: The token is too old, or the watcher too slow.
        Unauthenticated: The watcher's credential was withdrawn.
        Unavailable: The server stops.
    """
    edits = store.subscribe(_revision(resume_token))
    yield Seen(None, "", None, str(edits.revision), None)
    while not is_stopping():
        check_admission()
        for edit in edits.poll():
            yield Seen(edit.kind, edit.concept_id, edit.concept, str(edit.revision), edit.time)
        await asyncio.sleep(_INTERVAL_S)
    raise Unavailable(
        "the server stops; watch again with the last resume_token", reason="SERVER_STOPPING"
    )


def _revision(token: str) -> int | None:
    if not token:
        return None
    if not (token.isascii() and token.isdigit()):
        raise InvalidInput(
            "resume_token: it was not given out by a watch; start without one",
            reason="RESUME_TOKEN_INVALID",
            field="resume_token",
        )
    return int(token)
