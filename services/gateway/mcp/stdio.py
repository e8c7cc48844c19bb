"""MCP over standard input and output: one user, on this machine.

Photos may be named by their path. A model names them, and what it read somewhere may have told it
which, so only pictures in folders of the user's choice are read, and nothing else is sent anywhere.
"""

import asyncio
import os
import signal
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any, Final, Self
from urllib.parse import unquote, urlsplit

from mcp.server.lowlevel.server import Server
from mcp.server.stdio import stdio_server

from kith.aio import AsyncClient
from kith.errors import InvalidInput
from services.gateway.mcp.photos import SourceKind
from services.gateway.mcp.server import mcp_server
from services.gateway.mcp.tools import Caller
from services.runtime import images

_SCHEME: Final = "file:"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


async def serve(kith: AsyncClient, folders: Sequence[Path]) -> None:
    """Serves until standard input ends, or SIGINT or SIGTERM comes.

    Args:
        kith: The user's memory; entered here.
        folders: Those whose pictures may be read.

    Raises:
        KithError: As `AsyncClient.__aenter__`.
    """
    async with kith:
        caller = Caller(kith, Files(folders))
        serving = asyncio.create_task(_run(mcp_server("path", lambda request: caller)))
        loop = asyncio.get_running_loop()
        for number in _SIGNALS:
            loop.add_signal_handler(number, serving.cancel)
        try:
            with suppress(asyncio.CancelledError):
                await serving
        finally:
            for number in _SIGNALS:
                loop.remove_signal_handler(number)


async def _run(server: Server) -> None:
    lines: Any = Lines()  # of what an AsyncFile can do, the SDK wants the lines only
    async with stdio_server(stdin=lines) as (requests, answers):
        await server.run(requests, answers, server.create_initialization_options())


class Lines:
    """Standard input, line by line. Belongs to the event loop it was made in.

    It is read in a thread that ends with the program. The SDK's own reader is waited for, and so
    Ctrl-C would wait for a line that nobody sends.
    """

    def __init__(self) -> None:
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        Thread(target=self._read, daemon=True).start()

    def __aiter__(self) -> Self:
        """Itself."""
        return self

    async def __anext__(self) -> bytes:
        """The next line; the stream ends with standard input."""
        line = await self._lines.get()
        if not line:
            raise StopAsyncIteration
        return line

    def _read(self) -> None:
        # A file of its own: the interpreter would wait for `sys.stdin` when it ends.
        with open(os.dup(0), "rb") as wire, suppress(RuntimeError):  # noqa: PTH123 - no path
            for line in wire:
                self._loop.call_soon_threadsafe(self._lines.put_nowait, line)
            self._loop.call_soon_threadsafe(self._lines.put_nowait, b"")


class Files:
    """The pictures in some folders of this machine."""

    kind: SourceKind = "path"

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]

    async def fetch(self, handle: str, *, field: str) -> bytes:
        """See `photos.Source`; a `file://` address does as well as a path."""
        return await asyncio.to_thread(self._read, handle, field)

    def _read(self, handle: str, field: str) -> bytes:
        try:
            named = unquote(urlsplit(handle).path) if handle.startswith(_SCHEME) else handle
            path = Path(named).expanduser()
            real = path.resolve()  # a link must not lead out
        except (ValueError, RuntimeError) as error:
            raise _refusal(field, handle, f"is no path ({error}); correct it") from error
        if not path.is_absolute():
            raise _refusal(field, handle, "is not named in full; begin at the root folder")
        if not any(real.is_relative_to(folder) for folder in self._folders):
            folders = ", ".join(map(str, self._folders))
            what = f"is not in {folders}; copy it there, or add its folder with --photos"
            raise _refusal(field, handle, what)
        try:
            if not real.is_file():
                raise _refusal(field, handle, "is no file; name a JPEG, PNG or WebP file")
            # What is no picture, or too large for one, is not even read whole.
            with real.open("rb") as file:
                data = file.read(images.MAX_IMAGE_BYTES + 1)
        except OSError as error:
            why = f"can't be read: {error.strerror}; name a JPEG, PNG or WebP file"
            raise _refusal(field, handle, why) from error
        images.decode(data, field=field)
        return data


def _refusal(field: str, handle: str, why: str) -> InvalidInput:
    return InvalidInput(f"{field}: {handle[:200]} {why}", reason="FILE_UNREADABLE", field=field)
