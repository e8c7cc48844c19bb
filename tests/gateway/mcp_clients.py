"""The official MCP client, connected to Kith over either transport, and what it sends."""

import base64
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.types import CallToolResult, TextContent

from services.gateway.mcp.errors import META_KEY
from services.runtime import images
from tests.assistant.world import Thing, paint

LEFT, RIGHT = (0, 0, 30, 30), (60, 10, 90, 50)
BO = Thing("dog", 10, LEFT)
"""A dog, and where it is in `photo(BO)`."""


def photo(*things: Thing) -> bytes:
    """The file of a painted photo."""
    return images.encode(paint(*things))


def inline(*things: Thing, **more: object) -> dict[str, Any]:
    """A painted photo inside a message."""
    return {"data": base64.b64encode(photo(*things)).decode("ascii"), **more}


@asynccontextmanager
async def over_http(gateway: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    """A client of the gateway at `gateway`, as in http://127.0.0.1:7460."""
    async with (
        create_mcp_http_client(headers=headers) as http,
        Client(streamable_http_client(f"{gateway}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(*arguments: str, env: dict[str, str] | None = None) -> AsyncIterator[Client]:
    """A client of a `kith mcp` of its own."""
    program = [sys.executable, "-m", "kith.cli", *arguments]
    root = str(Path(__file__).parents[2])
    parameters = StdioServerParameters(command=program[0], args=program[1:], env=env, cwd=root)
    async with Client(parameters) as client:
        yield client


async def done(client: Client, tool: str, **arguments: object) -> dict[str, Any]:
    """The structured content of a call that goes well."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, said(result)
    content: dict[str, Any] = result.structured_content
    return content


async def refused(client: Client, tool: str, **arguments: object) -> tuple[str, str]:
    """Reason and text of a call that fails."""
    result = await client.call_tool(tool, arguments)
    assert result.is_error, result.structured_content
    assert result.meta
    return result.meta[META_KEY]["reason"], said(result)


def said(result: CallToolResult) -> str:
    """What a model reads."""
    first = result.content[0]
    assert isinstance(first, TextContent)
    return first.text
