"""A server in this very process, for when none is named.

It is found by its module's name, since imports go one way: the client stands before the services,
and works without them.
"""

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kith.errors import InvalidInput, Refused


@dataclass(frozen=True)
class LocalOptions:
    """What can be chosen about a server in this process; None stands for the default."""

    memory: str | Path | None = None
    method: str | None = None
    profile: str | None = None
    weights: str | Path | None = None


@contextmanager
def reach(server: str | None, user: str | None, options: LocalOptions) -> Iterator[str]:
    """The address of `server`, or of a server that lives as long as the block.

    Raises:
        InvalidInput: A server is named, and options too.
        Refused: A package that a server in this process needs is missing.
    """
    if server is not None:
        given = [name for name, value in vars(options).items() if value is not None]
        if given:
            raise InvalidInput(
                f"{given[0]}: the server at {server} has chosen it; leave it out",
                reason="OPTION_CONFLICT",
                field=given[0],
            )
        yield server
        return
    wiring = server_module("services.assistant.wiring")
    chosen = {
        "memory": Path(options.memory or default_memory()),
        "user": user,
        "method": options.method,
        "profile": options.profile,
        "weights": options.weights and Path(options.weights),
    }
    with wiring.local_server(**{k: v for k, v in chosen.items() if v is not None}) as address:
        yield address


def server_module(name: str) -> Any:  # noqa: ANN401 - a module, whose types we must not import
    """A module of the server's rooms.

    Raises:
        Refused: A package it needs is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Refused(
            f'server: the package {error.name!r} is missing; run pip install "kith[server]", or '
            "name a running server with --server HOST:PORT",
            reason="SERVER_NOT_INSTALLED",
            field="server",
        ) from error


def default_memory() -> Path:
    """Where a user's memory lies: `KITH_MEMORY`, or kith/memory in the platform's data folder."""
    if chosen := os.environ.get("KITH_MEMORY"):
        return Path(chosen)
    home = Path.home()
    if sys.platform == "darwin":
        data = home / "Library" / "Application Support"
    elif sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    else:
        data = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return data / "kith"
