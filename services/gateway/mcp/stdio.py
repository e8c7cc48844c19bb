"""MCP over standard input and output: one user, on this machine.

Photos may be named by their path. A model names them, and what it read somewhere may have told it
which, so only pictures in folders of the user's choice are read, and nothing else is sent anywhere.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from mcp.server.stdio import stdio_server

from kith.aio import AsyncClient
from kith.errors import InvalidInput
from services.gateway.mcp.photos import SourceKind
from services.gateway.mcp.server import mcp_server
from services.gateway.mcp.tools import Caller
from services.runtime import images

_SCHEME: Final = "file"


async def serve(kith: AsyncClient, folders: Sequence[Path]) -> None:
    """Serves until standard input ends.

    Args:
        kith: The user's memory; entered here.
        folders: Those whose pictures may be read.

    Raises:
        KithError: As `AsyncClient.__aenter__`.
    """
    async with kith:
        caller = Caller(kith, Files(folders))
        server = mcp_server("path", lambda request: caller)
        async with stdio_server() as (requests, answers):
            await server.run(requests, answers, server.create_initialization_options())


class Files:
    """The pictures in some folders of this machine."""

    kind: SourceKind = "path"

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]

    async def fetch(self, handle: str, *, field: str) -> bytes:
        """See `photos.Source`; a `file://` address does as well as a path."""
        return await asyncio.to_thread(self._read, handle, field)

    def _read(self, handle: str, field: str) -> bytes:
        named = urlsplit(handle)
        path = Path(unquote(named.path) if named.scheme == _SCHEME else handle).expanduser()
        if not path.is_absolute():
            raise _refusal(field, handle, "is not named in full; begin at the root folder")
        real = path.resolve()  # a link must not lead out
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
