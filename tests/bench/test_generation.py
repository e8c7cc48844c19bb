"""What references cost on a real vLLM: the time to the first word of an answer about a new photo.

*cold*: a user whom the engine has never seen. *warm*: the same user asked about another photo with
the same references before. *rap*: warm too, but in the layout of the paper, the photo first.

Beside the time of a row stands the engine's own: its mean time to the first token, and how much of
the prompts it found in its cache.
"""

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Iterator
from contextlib import aclosing
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from services.assistant import prompts
from services.assistant.prompts import Layout
from services.generation.engine import EngineGenerator
from services.runtime.types import Limits, Turn
from tests.bench.asked import QUESTION, new_photos, references
from tests.bench.table import ROUNDS, tell
from tests.generation.vllm import metric

SOME = min(ROUNDS, 20)
MODES: dict[str, tuple[Layout, bool]] = {
    "cold": (prompts.kith, False),
    "warm": (prompts.kith, True),
    "rap": (prompts.rap, True),
}
Run = Callable[[Coroutine[Any, Any, None]], None]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    loop = asyncio.new_event_loop()
    yield loop.run_until_complete
    loop.close()


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", [0, 1, 2, 4, 8])
def test_first_token(
    benchmark: BenchmarkFixture, vllm_url: str, run: Run, number: int, mode: str
) -> None:
    layout, warm = MODES[mode]
    told, seen, key = references(number), new_photos(), secrets.token_bytes(32)

    async def ask(engine: EngineGenerator) -> None:
        parts = layout([next(seen)], told, QUESTION)
        whose = key if warm else secrets.token_bytes(32)
        answer = engine.generate([Turn("user", parts)], Limits(1), whose)
        async with aclosing(answer):
            async for _ in answer:
                return

    async def connect() -> None:
        nonlocal engine
        engine = await EngineGenerator.connect(vllm_url)
        await ask(engine)
        await ask(engine)

    engine: EngineGenerator
    run(connect())
    before = figures(vllm_url)
    benchmark.pedantic(lambda: run(ask(engine)), rounds=SOME)
    first_s, answers, asked, found = (
        now - then for now, then in zip(figures(vllm_url), before, strict=True)
    )
    tell(benchmark, f"engine {1000 * first_s / answers:.1f} ms")
    tell(benchmark, f"{100 * found / asked:.0f} % from its cache")
    run(engine.close())


def figures(url: str) -> list[float]:
    """Seconds to all first tokens, their number, tokens looked up in the cache, and found there."""
    names = (
        "time_to_first_token_seconds_sum",
        "time_to_first_token_seconds_count",
        "prefix_cache_queries_total",
        "prefix_cache_hits_total",
    )
    return [metric(url, f"vllm:{name}") for name in names]
