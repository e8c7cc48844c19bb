"""What an answer costs in tokens, beside the layout and the retrieval of RAP.

Both methods are asked for a caption of each scene of the demo, on the same memory; tokens read are
those of all pictures and words, and of further questions where one is asked.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import ConceptStore
from services.assistant.generate import End, Question, generate
from services.assistant.methods import method
from services.assistant.prompts import CAPTION
from services.runtime import images
from services.runtime.types import Ending, Limits, Turn
from tests.bench.conftest import Bench
from tests.bench.table import FEW, side_by_side, tell
from tests.bench.world import STORY

SCENES: Final[Sequence[Path]] = sorted(STORY.glob("scene-*.webp"))
LIMITS: Final = Limits(max_tokens=64)


def test_captions_beside_rap(benchmark: BenchmarkFixture, bench: Bench) -> None:
    endings: dict[str, list[Ending]] = {"kith": [], "rap": []}

    def captions(name: str) -> None:
        endings[name] = bench.run(lambda: answers(bench, name))

    side_by_side(benchmark, lambda: captions("kith"), {"rap": lambda: captions("rap")}, rounds=FEW)
    for name, ended in endings.items():
        read = sum(one.prompt_tokens for one in ended) / len(ended)
        written = sum(one.completion_tokens for one in ended) / len(ended)
        tell(benchmark, f"{name} reads {read:.0f} tokens an answer and writes {written:.0f}")


async def answers(bench: Bench, name: str) -> list[Ending]:
    """How the caption of each scene ended."""

    async def open_store() -> ConceptStore:
        return bench.store

    ended = []
    for scene in SCENES:
        photo = await asyncio.to_thread(images.decode, scene.read_bytes(), field="photo")
        asked = Question([Turn("user", (photo, CAPTION))], LIMITS)
        async for piece in generate(method(name), bench.stages, open_store, asked):
            if isinstance(piece, End) and piece.ending is not None:
                ended.append(piece.ending)
    assert len(ended) == len(SCENES)
    return ended
