"""The MCP server: its tools, its resources, and how a call comes to its caller."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from typing import Any, Final

from mcp.server.lowlevel.server import Server
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
)
from opentelemetry import propagate

from kith.errors import KithError, NotFound
from services.gateway.mcp import forms, tools
from services.gateway.mcp.errors import failed
from services.gateway.mcp.photos import SourceKind
from services.gateway.mcp.tools import Caller
from services.gateway.mcp.views import TEMPLATE, read_view
from services.runtime import hop
from services.runtime.observe import observed

INSTRUCTIONS: Final = (
    "Kith is the user's visual memory: people, pets, things and places, each remembered by photos "
    "under a name of the user's. <bo> in a text stands for the concept bo. Look a photo up with "
    "find_concepts before you say who is in it, and trust it more than your own eyes about names."
)


def mcp_server(source: SourceKind, caller: Callable[[Any], Caller]) -> Server:
    """A server that speaks for whoever calls.

    Args:
        source: Where its callers' large photos lie.
        caller: Who calls, by the transport's request: of HTTP Starlette's, else None.
    """
    offered = tools.described(source)

    async def list_tools(context: Any, params: object) -> ListToolsResult:  # noqa: ANN401
        return ListToolsResult(tools=offered)

    async def call_tool(context: Any, params: CallToolRequestParams) -> CallToolResult:  # noqa: ANN401
        run = tools.RUNS.get(params.name)
        if run is None:
            known = ", ".join(tools.RUNS)
            raise MCPError(INVALID_PARAMS, f"name: there is no such tool; there are {known}")
        try:
            with _watched(params.name):
                asked = forms.read(tools.arguments_of(run), params.arguments or {})
                result = await run(asked, caller(context.request))
        except KithError as error:
            return failed(error)
        said = result.model_dump(mode="json", exclude_none=True)
        text = TextContent(text=json.dumps(said, ensure_ascii=False))
        return CallToolResult(content=[text, *result.links()], structured_content=said)

    async def list_resources(context: Any, params: object) -> ListResourcesResult:  # noqa: ANN401
        # A memory may hold thousands of photos; tools link to those that matter.
        return ListResourcesResult(resources=[])

    async def list_templates(context: Any, params: object) -> ListResourceTemplatesResult:  # noqa: ANN401
        return ListResourceTemplatesResult(resource_templates=[TEMPLATE])

    async def read_resource(
        context: Any,  # noqa: ANN401
        params: ReadResourceRequestParams,
    ) -> ReadResourceResult:
        try:
            with _watched("resources/read"):
                photo = await read_view(caller(context.request).kith, params.uri)
        except KithError as error:
            code = INVALID_PARAMS if isinstance(error, NotFound) else INTERNAL_ERROR
            raise MCPError(code, str(error), {"uri": params.uri}) from error
        return ReadResourceResult(contents=[photo])

    return Server(
        "kith",
        title="Kith",
        version=metadata.version("kith"),
        instructions=INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        on_list_resources=list_resources,
        on_list_resource_templates=list_templates,
        on_read_resource=read_resource,
    )


@contextmanager
def _watched(what: str) -> Iterator[None]:
    """Logs, counts and times what is done inside."""
    carried: dict[str, str] = {}
    propagate.inject(carried)  # a part of the HTTP request that it came by
    with observed(f"mcp {what}", carried, hop.current_request_id() or "") as outcome:
        try:
            yield
        except KithError as error:
            outcome.code, outcome.reason = error.status, error.reason
            raise
        except Exception:
            outcome.code, outcome.reason = "INTERNAL", "INTERNAL"
            raise
