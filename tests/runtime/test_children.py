"""Services as child processes: started, watched, stopped in order."""

import asyncio
import hashlib
import os
import re
import signal
import socket
import sys
from pathlib import Path

import pytest

from kith.errors import Refused
from services.runtime.children import Child, Children, State
from services.runtime.deployment import deployment
from services.runtime.settings import CallerSettings
from tests.ports import free_port

# A service without a model: health, and nothing else.
SERVICE = """
import asyncio, sys
from services.runtime import serving
from services.runtime.settings import ServerSettings
from kith.v1 import embedding_pb2
service = embedding_pb2.DESCRIPTOR.services_by_name["Embedding"]
async def ready(server): pass
asyncio.run(serving.serve(ServerSettings(port=int(sys.argv[1])), [service], ready, lambda _: None))
"""
DYING = "import sys; sys.stderr.write('one\\nno such file\\n'); sys.exit(3)"


def service(name: str, *command: str) -> Child:
    address = f"127.0.0.1:{free_port()}"
    run = command or (SERVICE, address.rpartition(":")[2])
    return Child(name, [sys.executable, "-c", *run], dict(os.environ), address, address)


async def test_services_get_ready_and_stop_in_order(tmp_path: Path) -> None:
    told: list[tuple[str, State]] = []
    ready = asyncio.Event()
    stop = asyncio.Event()

    def changed(child: Child) -> None:
        told.append((child.name, child.state))
        if {("front", State.READY), ("back", State.READY)} <= set(told):
            ready.set()

    services = [service("front"), service("back")]
    children = Children(services, CallerSettings(), tmp_path, changed)
    running = asyncio.create_task(children.run(stop))
    await asyncio.wait_for(ready.wait(), 60)
    stop.set()
    await running
    ends = [one for one in told if one[1] in (State.STOPPING, State.STOPPED)]
    assert ends[0] == ("front", State.STOPPING)
    assert {name for name, state in ends if state is State.STOPPED} == {"front", "back"}
    assert ends.index(("front", State.STOPPING)) < ends.index(("back", State.STOPPING))
    assert [child.process and child.process.returncode for child in services] == [0, 0]


async def test_one_that_dies_is_told_with_its_last_words_and_the_others_live_on(
    tmp_path: Path,
) -> None:
    died, stop = asyncio.Event(), asyncio.Event()
    victim, survivor = service("victim", DYING), service("survivor")

    def changed(child: Child) -> None:
        if child.state is State.DIED:
            died.set()

    children = Children([victim, survivor], CallerSettings(), tmp_path, changed)
    running = asyncio.create_task(children.run(stop))
    await asyncio.wait_for(died.wait(), 60)
    assert (victim.state, victim.said) == (State.DIED, "no such file")
    assert survivor.process
    assert survivor.process.returncode is None
    assert (tmp_path / "victim.log").read_text(encoding="utf-8") == "one\nno such file\n"
    survivor.process.send_signal(signal.SIGKILL)
    await running  # nobody asked, but none is left
    assert (survivor.state, survivor.said) == (State.DIED, "killed by signal 9 (Killed)")


async def test_one_that_ends_by_itself_is_told_without_the_words_of_its_log(tmp_path: Path) -> None:
    child = service("child", "import sys; sys.stderr.write('all is well')")
    await Children([child], CallerSettings(), tmp_path, lambda _: None).run(asyncio.Event())
    assert (child.state, child.said) == (State.DIED, "it ended by itself, without an error")


async def test_one_that_has_died_is_not_ready_whoever_answers_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child, told = service("child", DYING), []

    async def answered_by_another(*_: object) -> bool:
        assert child.process
        await child.process.wait()
        return True

    monkeypatch.setattr("services.runtime.children.is_ready", answered_by_another)
    children = Children([child], CallerSettings(), tmp_path, lambda child: told.append(child.state))
    await children.run(asyncio.Event())
    assert told == [State.DIED]


async def test_where_somebody_else_listens_nothing_is_started(tmp_path: Path) -> None:
    first, second = service("first"), service("second")
    for host in ("127.0.0.1", "[::1]") if socket.has_ipv6 else ("127.0.0.1",):
        port = int(second.address.rpartition(":")[2])
        second.address = f"http://{host}:{port}"
        family = socket.AF_INET6 if "[" in host else socket.AF_INET
        with socket.create_server((host.strip("[]"), port), family=family):
            children = Children([first, second], CallerSettings(), tmp_path, lambda _: None)
            with pytest.raises(Refused, match=re.escape(f"second can't listen on {host}:{port}")):
                await children.run(asyncio.Event())
    assert first.process is None


async def test_no_child_outlives_a_run_that_fails(tmp_path: Path) -> None:
    child = service("child")
    missing = Child("missing", ["/no/such/program"], {}, "", "")
    children = Children([child, missing], CallerSettings(), tmp_path, lambda _: None)
    with pytest.raises(FileNotFoundError):
        await children.run(asyncio.Event())
    assert child.process
    assert await asyncio.wait_for(child.process.wait(), 60) == -signal.SIGKILL


def test_each_service_is_told_where_the_others_are(tmp_path: Path) -> None:
    environment = {"KITH_HOST": "0.0.0.0", "KITH_METRICS_PORT": "9000", "KITH_MEMORY": "m"}
    made = deployment(environment, 7450, tmp_path, open_vocabulary=False)
    children = {child.name: child for child in made}
    assert list(children) == ["gateway", "assistant", "detection", "embedding", "generation"]
    assert children["gateway"].environment["KITH_ASSISTANT"] == children["assistant"].address
    assert children["gateway"].address == "http://0.0.0.0:7460"
    assert children["gateway"].health == "http://127.0.0.1:7460/readyz"
    for stage in ("detection", "embedding", "generation"):
        told = children["assistant"].environment[f"KITH_{stage.upper()}"]
        assert told == children[stage].address
        assert children[stage].environment["KITH_HOST"] == "127.0.0.1"
    assert len({child.environment["KITH_METRICS_PORT"] for child in made}) == 5
    assert {child.environment["KITH_MEMORY"] for child in made} == {"m"}
    assert not list(tmp_path.iterdir())


def test_the_gateway_is_asked_for_its_health_where_it_listens(tmp_path: Path) -> None:
    for host, written, asked in (
        ("::1", "[::1]", "[::1]"),
        ("::", "[::]", "[::1]"),
        ("kith.example", "kith.example", "kith.example"),
    ):
        gateway, *_ = deployment({"KITH_HOST": host}, 7450, tmp_path, open_vocabulary=False)
        assert gateway.address == f"http://{written}:7460"
        assert gateway.health == f"http://{asked}:7460/readyz"


def test_a_service_is_tied_to_whoever_starts_it(tmp_path: Path) -> None:
    for child in deployment({}, 7450, tmp_path, open_vocabulary=False):
        tied = child.command.index("services.runtime.tied")
        assert child.command[tied + 1 :] == ["kith.cli", "serve", child.name]


def test_an_open_vocabulary_has_an_encoder_for_its_words(tmp_path: Path) -> None:
    made = deployment({}, 7450, tmp_path, open_vocabulary=True)
    children = {child.name: child for child in made}
    words = children["words"]
    assert (words.command[-1], words.environment["KITH_ENCODER"]) == ("embedding", "words")
    assert children["detection"].environment["KITH_EMBEDDING"] == words.address
    assert children["assistant"].environment["KITH_EMBEDDING"] == children["embedding"].address


def test_an_assistant_that_trains_has_the_language_model_to_itself(tmp_path: Path) -> None:
    own = {"KITH_METHOD": "yollava-s"}
    made = deployment(own, 7450, tmp_path, open_vocabulary=False)
    assert [child.name for child in made] == ["gateway", "assistant", "detection", "embedding"]
    assert "KITH_GENERATION" not in made[1].environment
    assert "KITH_ASSISTANTS" not in made[0].environment


def test_where_users_need_tokens_the_services_have_one_among_themselves(tmp_path: Path) -> None:
    made = deployment({"KITH_TOKENS_FILE": "users"}, 7450, tmp_path, open_vocabulary=True)
    told = {child.name: child.environment for child in made}
    token = told["assistant"]["KITH_SERVICE_TOKEN"]
    assert told["detection"]["KITH_SERVICE_TOKEN"] == token
    assert told["assistant"]["KITH_TOKENS_FILE"] == "users"
    file = Path(told["embedding"]["KITH_TOKENS_FILE"])
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert file.read_text(encoding="utf-8") == f"assistant {digest}\n"
    assert file.stat().st_mode & 0o077 == 0
    assert "KITH_SERVICE_TOKEN" not in told["gateway"]
    own = {"KITH_TOKENS_FILE": "users", "KITH_SERVICE_TOKEN": "chosen"}
    for child in deployment(own, 7450, tmp_path, open_vocabulary=False):
        assert child.environment["KITH_TOKENS_FILE"] == "users"
