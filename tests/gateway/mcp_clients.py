"""The official MCP client, connected to Kith over either transport, and what it sends."""

import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client
from mcp.types import CallToolResult, TextContent

from services.gateway.mcp.errors import META_KEY


@asynccontextmanager
async def over_http(gateway: str, mode: str = "auto", **headers: str) -> AsyncIterator[Client]:
    """A client of the gateway at `gateway`, as in http://127.0.0.1:7460.

    Headers are written with underscores; `mode` "legacy" speaks the protocol before today's.
    """
    dashed = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        create_mcp_http_client(headers=dashed) as http,
        Client(streamable_http_client(f"{gateway}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@asynccontextmanager
async def over_stdio(
    *arguments: str, program: Sequence[str] = ("-m", "kith.cli")
) -> AsyncIterator[Client]:
    """A client of a `kith mcp` of its own.

    Args:
        *arguments: Of the program `kith`.
        program: What Python is to run as that program.
    """
    parameters = StdioServerParameters(
        command=sys.executable,
        args=[*program, *arguments],
        env=dict(os.environ),
        cwd=Path(__file__).parents[2],
    )
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
