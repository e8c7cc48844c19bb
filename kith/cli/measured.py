"""What `kith evaluate` measures: how each method is started or reached."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from kith.cli.session import Session
from kith.errors import InvalidInput
from kith.local import TRAINED, evaluation_module, server_module


class Door(NamedTuple):
    """Where a system that is not ours listens."""

    url: str
    model: str | None


def openings(
    session: Session, memory: Path, methods: Sequence[str], door: Door | None
) -> dict[str, Callable[[], Any]]:
    """What each method is started or reached by, under its name.

    Args:
        session: The options before the command: a server, a token, a profile.
        memory: Folder for memories; no two processes may use one at once.
        methods: Names of those that run in this process.
        door: A system behind the OpenAI chat API, in place of all others.

    Raises:
        InvalidInput: Options that don't go together, or one that names nothing.
        Unavailable: Nobody answers at the server.
    """
    for field in ("memory", "method"):
        if getattr(session, field) is not None:
            raise InvalidInput(
                f"{field}: an evaluation has memories of its own in --out, and takes --methods; "
                "leave it out",
                reason="OPTION_CONFLICT",
                field=field,
            )
    if door is not None:
        return _behind_door(session, door)
    assistants = evaluation_module("evaluation.systems.assistant")
    if session.server is not None:
        remote = assistants.Remote(
            session.server, session.token, session.tls_ca, session.tls_cert, session.tls_key
        )
        folder = memory / "remote"
        with assistants.behind(remote, folder) as system:
            return {system.name: partial(assistants.behind, remote, folder)}
    known = (*server_module("services.assistant.methods").METHODS, *TRAINED)
    unknown = [repr(name) for name in methods if name not in known]
    if unknown or not methods:
        said = f"{unknown[0]} is none; give some" if unknown else "none; give one or more"
        raise InvalidInput(
            f"methods: {said} of {', '.join(known)}",
            reason="METHOD_UNKNOWN",
            field="methods",
        )
    return {
        name: partial(
            assistants.in_process,
            name,
            memory / name,
            profile=session.profile,
            weights=session.weights,
        )
        for name in methods
    }


def _behind_door(session: Session, door: Door) -> dict[str, Callable[[], Any]]:
    if session.server is not None or door.model is None:
        raise InvalidInput(
            "openai_url: name its model with --openai-model, and leave --server out",
            reason="OPTION_CONFLICT",
            field="openai_url",
        )
    doors = evaluation_module("evaluation.systems.openai_door")
    opening = partial(doors.opened, door.url, door.model)
    with opening() as system:  # sends nothing, and refuses what is no address
        return {system.name: opening}
