"""What the options before a command choose, and how a command speaks to its user."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, RenderableType
from rich.text import Text

from kith.errors import InvalidInput

if TYPE_CHECKING:
    from kith.aio import AsyncClient
    from kith.client import Client


@dataclass(frozen=True)
class Session:
    """One run of the command line."""

    server: str | None
    memory: Path | None
    user: str | None
    token: str | None
    method: str | None
    profile: str | None
    weights: Path | None
    as_json: bool
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None

    @contextmanager
    def client(self, memory: Path | None = None) -> "Iterator[Client]":
        """A client as the options say; `memory` takes the place of theirs."""
        from kith.client import Client  # gRPC takes a while, and `kith --help` needs none

        chosen = self._chosen() | ({"memory": memory} if memory else {})
        with self.waiting("Starting ..." if self.server is None else "Connecting ..."):
            client = Client(self.server, **chosen)
        with client:
            yield client

    def async_client(self) -> "AsyncClient":
        """A client as the options say, for a command that runs an event loop."""
        from kith.aio import AsyncClient  # see `client`

        return AsyncClient(self.server, **self._chosen())

    def _chosen(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "token": self.token,
            "memory": self.memory,
            "method": self.method,
            "profile": self.profile,
            "weights": self.weights,
            "tls_ca": self.tls_ca,
            "tls_cert": self.tls_cert,
            "tls_key": self.tls_key,
        }

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Say what takes a while, on a terminal; nothing is left of it."""
        with Console(stderr=True).status(what):
            yield

    def show(self, form: Mapping[str, Any], said: RenderableType) -> None:
        """Print the result: one line of JSON, or what people read."""
        if self.as_json:
            print_json(form)
        else:
            say(said)

    def refuse_server(self, command: str) -> None:
        """End a command that runs on this machine if a server is named.

        Raises:
            InvalidInput: One is.
        """
        if self.server is not None:
            raise InvalidInput(
                f"server: 'kith {command}' runs on this machine; leave --server out",
                reason="OPTION_CONFLICT",
                field="server",
            )

    def require_server(self, command: str) -> None:
        """End a command that makes sense with a running server only.

        Raises:
            InvalidInput: None is named.
        """
        if self.server is None:
            raise InvalidInput(
                f"server: 'kith {command}' needs a running one; start 'kith serve' and name it "
                "with --server HOST:PORT",
                reason="SERVER_MISSING",
                field="server",
            )


def print_json(form: Mapping[str, Any]) -> None:
    """Print one line of JSON, at once."""
    typer.echo(json.dumps(form))


def say(said: RenderableType) -> None:
    """Print something for people. User text in it is never taken for markup."""
    width = None if sys.stdout.isatty() else 100
    console = Console(markup=False, highlight=False, emoji=False, width=width)
    console.print(said, soft_wrap=isinstance(said, Text))  # a line stays one in a pipe
