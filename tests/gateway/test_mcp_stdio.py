"""What holds for `kith mcp` alone; what holds for both transports stands in test_mcp.py."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gateway.mcp_clients import done, over_stdio, refused
from tests.gateway.world import BO, Gateway, photo, picture


async def test_a_photo_is_named_by_its_path(gateway: Gateway, user: str, tmp_path: Path) -> None:
    (tmp_path / "bo.png").write_bytes(photo(BO))
    path = {"path": str(tmp_path / "bo.png")}
    async with over_stdio(
        "--server", gateway.address, "--user", user, "mcp", "--photos", str(tmp_path)
    ) as client:
        await done(client, "remember_concept", name="bo", images=[path])
        found = await done(client, "find_concepts", image=path)
        assert [one["concept"] for one in found["concepts"]] == ["bo"]
        reason, text = await refused(client, "ask", question="?", image={"path": __file__})
        assert reason == "FILE_UNREADABLE"
        assert text.startswith(f"image.path: {__file__} is not in {tmp_path}; copy it there")


async def test_the_user_is_the_one_kith_mcp_was_started_for(gateway: Gateway, user: str) -> None:
    async with over_stdio("--server", gateway.address, "--user", user, "mcp") as ada:
        await done(ada, "remember_concept", name="bo", images=[picture(BO)])
        assert (await done(ada, "list_concepts"))["total"] == 1
    async with over_stdio("--server", gateway.address, "--user", f"{user}b", "mcp") as bob:
        assert (await done(bob, "list_concepts"))["total"] == 0


async def test_an_assistant_that_is_away_is_an_error_a_model_can_read() -> None:
    async with over_stdio("--server", "127.0.0.1:1", "mcp") as client:
        assert len((await client.list_tools()).tools) == 6
        reason, text = await refused(client, "list_concepts")
        assert reason == "RPC_UNAVAILABLE"
        assert "nobody answers at 127.0.0.1:1" in text


async def test_without_a_server_all_runs_in_its_process_and_no_model_is_loaded_early(
    tmp_path: Path,
) -> None:
    note = tmp_path / "loaded"
    code = (
        "import sys, pathlib; from kith.cli import main; ended = main(sys.argv[1:]);"
        f"pathlib.Path({str(note)!r}).write_text(f\"{{ended}} {{'torch' in sys.modules}}\")"
    )
    arguments = ("--memory", str(tmp_path / "memory"), "mcp")
    async with over_stdio(*arguments, program=("-c", code)) as client:
        assert await done(client, "list_concepts") == {"concepts": [], "total": 0}
    for _ in range(200):
        if note.exists():
            break
        await asyncio.sleep(0.1)
    assert note.read_text(encoding="utf-8") == "0 False"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--server", "nowhere", "mcp"], "server: 'nowhere' is not HOST:PORT"),
        (["--server", "127.0.0.1:1", "--memory", "x", "mcp"], "memory: the server"),
        (["mcp", "--photos", "/no/where"], "photos: /no/where is no folder; name one"),
    ],
)
def test_a_start_that_fails_is_told_in_one_line_and_not_on_the_wire(
    arguments: list[str], said: str
) -> None:
    command = [sys.executable, "-m", "kith.cli", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"kith: {said}")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_it_is_told_to_while_it_waits_for_a_line(number: int) -> None:
    command = [sys.executable, "-m", "kith.cli", "--server", "127.0.0.1:1", "mcp"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.flush()
        assert b'"id":1' in process.stdout.readline()
        process.send_signal(number)
        assert process.wait(timeout=60) == 0
        assert process.stderr.read() == b""
