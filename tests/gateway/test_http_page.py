"""What docs/http.md shows is what the gateway does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.gateway.world import BO, Gateway, photo

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "http.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```(py|sh)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
HERE = "http://127.0.0.1:7460"


def run(command: list[str], folder: Path) -> str:
    # Scripts of the page call `python`, which is the one that runs this.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_pages_scripts_run(gateway: Gateway, tmp_path: Path) -> None:
    (tmp_path / "bo.png").write_bytes(photo(BO))
    told = run(["bash", "-euc", BLOCKS["sh"].replace(HERE, gateway.url)], tmp_path)
    assert '"display_name":"bo"' in told
    told = run([sys.executable, "-c", BLOCKS["py"].replace(HERE, gateway.url)], tmp_path)
    assert told.splitlines() == ["A thing on black.", "bo [20.0, 20.0, 60.0, 60.0] 0.9933072"]


@pytest.mark.parametrize(
    "named", sorted(set(re.findall(r"`(?:GET |POST )?(/[a-z][\w./:-]*)`", PAGE)))
)
def test_every_path_that_the_page_names_is_there(http: httpx.Client, named: str) -> None:
    paths = {*http.get("/openapi.json").json()["paths"], "/docs", "/openapi.json", "/mcp"}
    assert named in paths
