"""A server in this very process, for when none is named.

It is found by its module's name, since imports go one way: the client stands before the services,
and works without them.
"""

import asyncio
import importlib
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kith.errors import InvalidInput, Refused

TRAINED: Final = ("yollava-s", "yollava-m", "mc-llava", "myvlm")
"""The methods that train for each concept: the baselines."""


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
        InvalidInput: A server is named, and options too, or not as HOST:PORT; or a `KITH_*`
            variable can't be understood.
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
        yield _checked(server)
        return
    wiring = (
        baselines_module("services.baselines.wiring")
        if options.method in TRAINED
        else server_module("services.assistant.wiring")
    )
    chosen = {
        "memory": Path(options.memory or default_memory()),
        "user": user,
        "method": options.method,
        "profile": options.profile,
        "weights": options.weights and Path(options.weights),
    }
    arguments = {name: value for name, value in chosen.items() if value is not None}
    with ExitStack() as stack:
        try:
            address = stack.enter_context(wiring.local_server(**arguments))
        except ValueError as error:
            raise settings_error(error) from error
        yield address


def settings_error(error: ValueError) -> InvalidInput:
    """What to say of settings that pydantic can't understand: the variables, and why."""
    details: list[Any] = getattr(error, "errors", list)()
    said = [
        f"KITH_{str(one['loc'][0]).upper()}={one['input']}: "
        + one["msg"].removeprefix("Value error, ")
        for one in details
        if one["loc"]
    ]
    # What of a list or a dictionary is no JSON, pydantic tells in an error of another kind.
    if isinstance(error, server_module("pydantic_settings").SettingsError):
        said = [
            f"KITH_{name.upper()}: not JSON" for name in re.findall(r'field "(\w+)"', str(error))
        ]
    elif not details:
        raise error
    return InvalidInput(f"settings: {'; '.join(said) or error}", reason="SETTINGS_INVALID")


def _checked(server: str) -> str:
    """`server`, if it is HOST:PORT or a socket as gRPC names it."""
    host, _, port = server.rpartition(":")
    named = (host.startswith("[") and host.endswith("]")) or re.fullmatch(r"[^\s:/\[\]]+", host)
    if not server.startswith("unix:") and not (
        named and re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) < 65536
    ):
        raise InvalidInput(
            f"server: {server!r} is not HOST:PORT; give it as in 127.0.0.1:7450",
            reason="SERVER_INVALID",
            field="server",
        )
    return server


def server_module(name: str) -> Any:  # noqa: ANN401 - a module, whose types we must not import
    """A module of the server's rooms.

    Raises:
        Refused: A package it needs is not installed.
    """
    return _module(name, "server", ", or name a running server with --server HOST:PORT")


def baselines_module(name: str) -> Any:  # noqa: ANN401 - as above
    """A module of the room of the methods that train.

    Raises:
        Refused: A package it needs is not installed.
    """
    return _module(name, "baselines", ", or name a running server with --server HOST:PORT")


def datagen_module(name: str) -> Any:  # noqa: ANN401 - as above
    """A module of the room that makes datasets.

    Raises:
        Refused: A package it needs is not installed.
    """
    return _module(name, "datagen")


def evaluation_module(name: str) -> Any:  # noqa: ANN401 - as above
    """A module of the room that measures methods.

    Raises:
        Refused: A package it needs is not installed.
    """
    return _module(name, "evaluation")


def _module(name: str, extra: str, otherwise: str = "") -> Any:  # noqa: ANN401 - as above
    """A module that only some installs can import; `extra` is what installs its packages."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise Refused(
            f"{extra}: the package {error.name!r} is missing; run pip install "
            f'"kith[{extra}]"{otherwise}',
            reason=f"{extra.upper()}_NOT_INSTALLED",
            field=extra,
        ) from error


@contextmanager
def embedder_of(settings: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401 - as above
    """The name of the embedder that an assistant's settings describe, and a function that calls it.

    The function takes RGB pictures and gives a unit vector each, float32 [pictures, dim]. It may be
    called from any thread, as long as the block.

    Raises:
        Refused: A package or a model is missing.
    """
    with _in_background("embedder_of", settings) as (embedder, loop):

        def embed(pictures: Any) -> Any:  # noqa: ANN401 - as above
            return asyncio.run_coroutine_threadsafe(embedder.embed_images(pictures), loop).result()

        yield embedder.name, embed


@contextmanager
def detector_of(settings: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401 - as above
    """The name of the detector that an assistant's settings describe, and a function that calls it.

    The function takes an RGB picture and gives a box in pixels for each thing of any category. It
    may be called from any thread, as long as the block.

    Raises:
        Refused: A package or a model is missing.
    """
    with _in_background("detector_of", settings) as (detector, loop):

        def detect(picture: Any) -> Any:  # noqa: ANN401 - as above
            asked = asyncio.run_coroutine_threadsafe(detector.detect(picture, ()), loop)
            return [one.box for one in asked.result()]

        yield detector.name, detect


@contextmanager
def _in_background(
    stage: str,
    settings: Any,  # noqa: ANN401 - as above
) -> Iterator[tuple[Any, asyncio.AbstractEventLoop]]:
    """A stage of the pipeline, made by the function of that name, and the loop that it lives in."""
    wiring = server_module("services.assistant.wiring")
    background = server_module("services.assistant.background")

    @asynccontextmanager
    async def reached() -> AsyncIterator[tuple[Any, asyncio.AbstractEventLoop]]:
        async with getattr(wiring, stage)(settings) as made:
            yield made, asyncio.get_running_loop()

    with background.in_background(reached) as made:
        yield made


def default_memory() -> Path:
    """Where a user's memory lies: `KITH_MEMORY`, or kith in the platform's data folder."""
    if chosen := os.environ.get("KITH_MEMORY"):
        return Path(chosen)
    return data_folder() / "kith"


def data_folder() -> Path:
    """Where the platform's programs keep what they know."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
