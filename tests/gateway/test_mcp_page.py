"""docs/mcp.md says what is so."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kith.cli.app import app
from services.gateway.mcp import tools
from services.gateway.mcp.photos import MAX_INLINE_BYTES
from services.gateway.mcp.views import TEMPLATE
from services.gateway.settings import GatewaySettings
from services.runtime.images import MAX_IMAGE_BYTES

PAGE = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
CONFIGS = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]
CHANGES = {(True, None): "no", (False, False): "adds", (False, True): "overwrites"}


def test_the_table_shows_the_tools_their_arguments_and_what_they_change() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \| (\w+) \|$", PAGE, re.MULTILINE)
    shown = [(name, re.findall(r"`(\w+)`", arguments), how) for name, arguments, how in rows]
    assert shown == [
        (
            tool.name,
            list(tool.input_schema["properties"]),
            CHANGES[tool.annotations.read_only_hint, tool.annotations.destructive_hint],
        )
        for tool in tools.described("path")
        if tool.annotations
    ]


def test_limits_and_addresses_are_those_of_the_code() -> None:
    settings = GatewaySettings()
    assert f"up to {MAX_INLINE_BYTES // 2**20} MiB of it" in PAGE
    assert f"{settings.max_message_mib} MiB for a whole HTTP request" in PAGE
    assert f"up to {MAX_IMAGE_BYTES // 2**20} MiB" in PAGE
    assert f"{tools.PAGE_SIZE} at a time" in PAGE
    assert settings.upload_ttl_s == 600  # "for ten minutes"
    assert f"`{TEMPLATE.uri_template}`" in PAGE
    assert f":{settings.port}/mcp" in PAGE


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_each_configuration_names_a_command_that_there_is(config: dict[str, object]) -> None:
    (server,) = config["mcpServers"].values()  # type: ignore[attr-defined]
    if "command" not in server:
        return
    known = CliRunner().invoke(app, [*server["args"], "--help"])
    assert known.exit_code == 0, known.output
