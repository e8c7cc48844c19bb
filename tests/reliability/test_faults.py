"""A network that fails between any two services: no call hangs, and none is told a riddle."""

import asyncio
import base64
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import fsspec
import httpx
import pytest

from kith import AsyncClient
from kith.errors import KithError
from services.assistant.background import in_background
from services.assistant.serve import serve as serve_assistant
from services.assistant.settings import AloneSettings
from services.detection import serve as detection
from services.embedding import serve as embedding
from services.generation import serve as generation
from services.runtime.profile import Profile
from tests.end_to_end.test_one_process import run_with
from tests.end_to_end.test_services_apart import QUICK, running
from tests.end_to_end.test_up import PICTURE
from tests.gateway.world import gateway_to
from tests.generation.fake_engine import FakeEngine
from tests.memory_db.qdrant_server import FakeQdrant
from tests.memory_db.s3_server import s3_server
from tests.reliability.proxy import Fault, Proxy
from tests.reliability.table import Effort, Table

DEADLINE_S: Final = 3.0
SLACK_S: Final = 1.5
"""All services and callers share two cores and one process here."""

RECOVERY_S: Final = 25.0
"""In which all goes well again. A dead connection is noticed by its keepalive: 10 s and 5 s."""

FINE: Final = {"OK", "UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "429", "503", "504"}

pytestmark = pytest.mark.timeout(3600)

Act = Callable[[], Awaitable[str]]
_numbers = itertools.count()


class Call(NamedTuple):
    """How a call ended."""

    outcome: str
    took_s: float


@dataclass
class World:
    """Six services, an engine, a Qdrant server and an S3; a proxy before each but the first."""

    hops: dict[str, Proxy] = field(default_factory=dict)
    acts: dict[str, Act] = field(default_factory=dict)

    async def call_all(self) -> dict[str, Call]:
        """Every kind of call, all at once."""
        timed = await asyncio.gather(*map(_timed, self.acts.values()))
        return dict(zip(self.acts, timed, strict=True))


async def _timed(act: Act) -> Call:
    began = time.monotonic()
    try:
        outcome = await act()
    except KithError as error:
        outcome = error.status
    except httpx.TimeoutException:
        outcome = "a hang"
    return Call(outcome, time.monotonic() - began)


@asynccontextmanager
async def world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    made = World()
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context

        async def behind(hop: str, target: str) -> str:
            made.hops[hop] = await start(Proxy(target).up())
            return made.hops[hop].address

        engine = FakeEngine()
        await start(engine.up())
        url = await behind("generation to engine", f"127.0.0.1:{engine.port}")
        told = generation.GenerationSettings(**QUICK, generation_url=f"http://{url}/v1")
        reading = embedding.EmbeddingSettings(**QUICK, encoder="words")
        words = await start(running(embedding.serve, reading))
        words = await behind("detection to words", words)
        seeing = detection.DetectionSettings(**QUICK, embedding=words)
        stages = {
            "detection": running(detection.serve, seeing),
            "embedding": running(embedding.serve, embedding.EmbeddingSettings(**QUICK)),
            "generation": running(generation.serve, told),
        }
        at = {
            name: await behind(f"assistant to {name}", await start(stage))
            for name, stage in stages.items()
        }
        qdrant = stack.enter_context(FakeQdrant().listening()).removeprefix("http://")
        at["memory_url"] = f"http://{await behind('assistant to Qdrant', qdrant)}"
        s3 = await behind(
            "assistant to S3", stack.enter_context(s3_server()).removeprefix("http://")
        )
        access = {"endpoint_url": f"http://{s3}", "key": "mine", "secret": "own"}
        monkeypatch.setitem(fsspec.config.conf, "s3", access)
        alone = AloneSettings(**QUICK, **at, memory=folder / "memory", photos="s3://bucket/kith")
        assistant = await start(running(serve_assistant, alone))
        door = await behind("gateway to assistant", assistant)
        gateway = in_background(lambda: gateway_to(door, timeout_s=DEADLINE_S, grace_s=0))
        url = stack.enter_context(gateway)
        kith = await start(AsyncClient(assistant, timeout_s=DEADLINE_S))
        http = await start(httpx.AsyncClient(base_url=url, timeout=DEADLINE_S + 5))
        made.acts = _acts(kith, http)
        yield made


def _acts(kith: AsyncClient, http: httpx.AsyncClient) -> dict[str, Act]:
    photo = base64.b64encode(PICTURE.read_bytes()).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{photo}"}}
    parts = [picture, {"type": "text", "text": "Who is this?"}]
    chat = {"model": "kith", "messages": [{"role": "user", "content": parts}]}

    async def grpc(answer: Awaitable[object]) -> str:
        await answer
        return "OK"

    async def sent(verb: str, path: str, body: object = None) -> str:
        answer = await http.request(verb, path, json=body)
        if '"error"' in answer.text and answer.status_code == 200:  # in the midst of a stream
            return "503" if '"server_error"' in answer.text else answer.text
        return "OK" if answer.status_code == 200 else str(answer.status_code)

    def remember() -> Awaitable[object]:
        number = next(_numbers)  # a new word each time, so that its vector has to be asked for
        return kith.remember(f"n{number}", PICTURE, category=f"thing {number}")

    return {
        "list": lambda: grpc(kith.list_concepts()),
        "remember": lambda: grpc(remember()),
        "retrieve": lambda: grpc(kith.retrieve(PICTURE)),
        "ask": lambda: grpc(kith.ask("Who is this?", PICTURE)),
        "HTTP list": lambda: sent("GET", "/v1/concepts"),
        "HTTP retrieve": lambda: sent("POST", "/v1/retrieve", {"images": [{"data": photo}]}),
        "HTTP chat": lambda: sent("POST", "/v1/chat/completions", chat),
        "HTTP stream": lambda: sent("POST", "/v1/chat/completions", chat | {"stream": True}),
    }


# s3fs leaves connections that were broken to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_no_fault_between_services_hangs_a_call_or_ends_it_in_a_riddle(
    effort: Effort, open_profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, open_profile)
    rounds = 3 if effort == "long" else 1
    with Table("Faults between services", "the caller's clock and status", effort) as table:
        async with world(tmp_path, monkeypatch) as made:
            await _recovered(made)  # from the start: models warm up by their first call
            calls = slowest = recovery = 0.0
            riddles: Counter[str] = Counter()
            spared = []
            pairs = _pairs(effort, list(made.hops))
            for hop, fault in pairs:
                met = made.hops[hop].met
                made.hops[hop].suffer(fault)
                codes: Counter[str] = Counter()
                worst = 0.0
                for _ in range(rounds):
                    for act, call in (await made.call_all()).items():
                        codes[call.outcome] += 1
                        worst = max(worst, call.took_s)
                        if call.outcome not in FINE:
                            riddles[f"{hop} {fault.value}, {act}: {call.outcome}"] += 1
                # Who connects while nobody listens is not seen there.
                if made.hops[hop].met == met and codes["OK"] == codes.total():
                    spared.append(f"{hop} {fault.value}")
                await made.hops[hop].recover()
                took_s = await _recovered(made)
                told = ", ".join(f"{count} {code}" for code, count in codes.most_common())
                table.tell(
                    f"{hop} {fault.value}",
                    f"{told}; slowest {worst:.1f} s; well again in {took_s:.1f} s",
                )
                calls += codes.total()
                slowest, recovery = max(slowest, worst), max(recovery, took_s)
        table.traffic("calls under a fault", int(calls), at_least=rounds * len(pairs) * 8)
        table.exactly("faults that nothing met", ", ".join(spared) or "none", "none")
        table.exactly("calls that end in a riddle", str(dict(riddles) or "none"), "none")
        table.at_most("slowest call", slowest, DEADLINE_S + SLACK_S, "s")
        table.at_most("slowest recovery", recovery, RECOVERY_S, "s")


def _pairs(effort: Effort, hops: list[str]) -> list[tuple[str, Fault]]:
    """Every fault on every hop; in the short form each hop and each fault once."""
    if effort == "long":
        return list(itertools.product(hops, Fault))
    return list(zip(hops, itertools.cycle(Fault), strict=False))


async def _recovered(made: World) -> float:
    """Seconds until every kind of call goes well again."""
    began = time.monotonic()
    while bad := [call for call in (await made.call_all()).values() if call.outcome != "OK"]:
        took_s = time.monotonic() - began
        assert took_s < 4 * RECOVERY_S, f"it does not recover: {bad}"
        await asyncio.sleep(0.2)
    return time.monotonic() - began
