"""A real gateway on a real assistant, whose models look at painted rectangles."""

import asyncio
import base64
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from kith.errors import KithError
from services.assistant import servicer
from services.assistant.background import in_background
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.gateway.serve import Server, listening
from services.gateway.settings import GatewaySettings
from services.runtime import images
from services.runtime.server import Server as GrpcServer
from services.runtime.settings import ServerSettings
from services.runtime.types import Ending
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
    open_store,
    paint,
)

BO = Thing("dog", 10)
CUP = Thing("mug", 40, (62, 10, 90, 40))

BODIES = [
    ("POST /v1/concepts", "application/json"),
    ("POST /v1/chat/completions", "application/json"),
    ("POST /v1/uploads", "image/png"),
    ("POST /v1/uploads", "multipart/form-data; boundary=x"),
    ("POST /mcp", "application/json"),
]
"""Each way in which a body is read, and the type of one."""


@dataclass
class Talker(Parrot):
    """A parrot that takes its time, and may break off."""

    pause_s: float = 0.0
    breaks: KithError | None = None
    """Raised after the first word."""

    async def _events(self, pictures: int) -> AsyncGenerator[str | Ending, None]:
        async with aclosing(super()._events(pictures)) as events:
            async for event in events:
                await asyncio.sleep(self.pause_s)
                yield event
                if self.breaks is not None:
                    raise self.breaks


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs."""

    url: str
    address: str
    """Of the assistant behind it."""
    parrot: Talker
    """The language model behind that."""
    detector: PaintDetector
    """What looks at photos for it."""

    def client(self, user: str | None = None, token: str | None = None) -> httpx.Client:
        """A plain HTTP client with a user's credential."""
        headers = {"Kith-User": user} if user else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return httpx.Client(base_url=self.url, headers=headers, timeout=60)


@contextmanager
def running(
    folder: Path,
    *,
    by: str = "kith",
    tokens_file: Path | None = None,
    **settings: Any,  # noqa: ANN401
) -> Iterator[Gateway]:
    """A gateway and its assistant, each in a thread of its own; memories lie in `folder`.

    Args:
        folder: Empty, or of an earlier run.
        by: The assistant's method.
        tokens_file: The assistant's.
        settings: The gateway's.
    """
    parrot, detector = Talker(), PaintDetector()
    stages = light_stages(detector, parrot)
    with (
        in_background(lambda: answering(folder, stages, by, tokens_file)) as address,
        in_background(lambda: gateway_to(address, **settings)) as url,
    ):
        yield Gateway(url, address, parrot, detector)


def light_stages(detector: PaintDetector, parrot: Talker) -> Stages:
    """Models that look at painted rectangles, and one that only talks."""
    return Stages(detector, PaintEmbedder(), parrot, STRANGER_DISTANCE, distance_scale=0.1)


@asynccontextmanager
async def answering(
    folder: Path,
    stages: Stages,
    by: str = "kith",
    tokens_file: Path | None = None,
    port: int = 0,
) -> AsyncIterator[str]:
    """The address of an assistant."""
    stores = Stores(lambda user: open_store(folder, user))
    options = ServerSettings(port=port, grace_s=0, tokens_file=tokens_file)
    async with GrpcServer(
        options, [servicer.service(Assistant(method(by), stages, stores))]
    ) as server:
        await server.ready()
        yield f"127.0.0.1:{server.port}"
    await stores.close()


@asynccontextmanager
async def gateway_to(assistant: str, **settings: Any) -> AsyncIterator[str]:  # noqa: ANN401
    """The URL of a gateway to an assistant."""
    options = GatewaySettings(**{"port": 0, "grace_s": 1, "assistant": assistant, **settings})
    ready = asyncio.Event()
    with listening(options) as listener:
        server = Server(options, lambda _: ready.set())
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        await ready.wait()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


@contextmanager
def begun(url: str, route: str, kind: str) -> Iterator[socket.socket]:
    """The connection of a request whose body, of a type, has begun but goes on no further.

    `route` is as in "POST /v1/concepts".
    """
    there = httpx.URL(url)
    lines = (f"{route} HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", "Content-Length: 99")
    with socket.create_connection((there.host, there.port), timeout=30) as connection:
        connection.sendall("\r\n".join((*lines, "", "-")).encode())
        yield connection


def photo(*things: Thing) -> bytes:
    """A photo of things, as a file."""
    return images.encode(paint(*things))


def as_base64(data: bytes) -> str:
    """`data` as JSON carries it."""
    return base64.b64encode(data).decode()


def picture(*things: Thing) -> dict[str, str]:
    """A photo as REST takes it."""
    return {"data": as_base64(photo(*things))}


def data_url(*things: Thing) -> str:
    """A photo as OpenAI's clients send it."""
    return f"data:image/png;base64,{as_base64(photo(*things))}"


def box_of(thing: Thing) -> dict[str, float]:
    """A thing's place, as REST takes it."""
    return dict(zip(("x1", "y1", "x2", "y2"), map(float, thing.box), strict=True))


def wish(name: str, *things: Thing, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """What remembers things under a name, a view of each."""
    words = {"display_name": name, "category": things[0].category, "description": f"<{name}> is."}
    views = [{"photo": picture(thing), "box": box_of(thing)} for thing in things]
    return {"concept": words, "views": views, **more}


def remember(client: httpx.Client, name: str, *things: Thing) -> dict[str, Any]:
    """The concept that was made."""
    answer = client.post("/v1/concepts", json=wish(name, *things))
    assert answer.status_code == 200, answer.text
    concept: dict[str, Any] = answer.json()
    return concept


def id_of(resource: dict[str, Any]) -> str:
    """The last part of a resource's name."""
    return str(resource["name"]).rpartition("/")[2]


def wait_until(holds: Callable[[], bool], timeout_s: float = 30) -> None:
    """Waits for what another thread is about to do."""
    until = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < until, "it has not happened"
        time.sleep(0.02)
