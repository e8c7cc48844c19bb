"""What references cost where the language model runs in the assistant's own process."""

from contextlib import aclosing

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from services.assistant.prompts import kith
from services.runtime.types import Ending, Limits, Turn
from tests.bench.asked import QUESTION, new_photos, references
from tests.bench.conftest import Bench
from tests.bench.table import ROUNDS, tell

SOME = min(ROUNDS, 20)


@pytest.mark.parametrize("number", [0, 1, 2, 4])
def test_first_word(benchmark: BenchmarkFixture, bench: Bench, number: int) -> None:
    told, seen = references(number), new_photos()
    read: list[int] = []

    async def ask() -> None:
        turn = Turn("user", kith([next(seen)], told, QUESTION))
        async with aclosing(bench.stages.generator.generate([turn], Limits(1))) as answer:
            async for _ in answer:
                pass
        assert isinstance(answer.ending, Ending)
        read.append(answer.ending.prompt_tokens)

    benchmark.pedantic(lambda: bench.run(ask), rounds=SOME, warmup_rounds=2)
    tell(benchmark, f"{read[-1]} tokens read")
