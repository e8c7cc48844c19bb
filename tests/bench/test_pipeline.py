"""The whole pipeline beside its bare models, and beside a script as RAP publishes one.

The bare models are given the same photo and, of it, the same crops, so that the ratio is what the
pipeline adds: queues, threads, reading the memory, deciding, laying out. Both decode with care.
"""

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import ConceptStore
from services.assistant.findings import Used
from services.assistant.generate import Question, generate
from services.assistant.memory import Memory
from services.assistant.methods import method
from services.assistant.prompts import Reference, kith
from services.assistant.remember import Wish, remember
from services.assistant.retrieve import retrieve
from services.assistant.views import Photo
from services.runtime import images
from services.runtime.types import Limits, Turn
from tests.bench.bare import BareModels
from tests.bench.conftest import Bench, fill
from tests.bench.script import Entry, Script
from tests.bench.table import FEW, side_by_side
from tests.bench.world import PHOTO, STORY

QUESTION = "Can you see <bo> in this photo? Answer the question using a single word Yes or No."
LIMITS = Limits(max_tokens=16)
ADDED = 1.10
"""Times the bare models: what the pipeline may take with one client."""


def retrieving(bench: Bench) -> Callable[[], object]:
    """Asks who is in the photo."""

    async def whole() -> None:
        (found,) = await retrieve(method("kith"), bench.stages, bench.store, [bench.decoded()])
        assert found.regions

    return lambda: bench.run(whole)


def test_retrieve(benchmark: BenchmarkFixture, bench: Bench, bare: BareModels) -> None:
    side_by_side(
        benchmark,
        retrieving(bench),
        {"bare models": lambda: bare.look([bench.decoded()], bench.words)},
        at_most=ADDED,
    )


def test_ask(benchmark: BenchmarkFixture, bench: Bench, bare: BareModels) -> None:
    references = told(bench)

    async def open_store() -> ConceptStore:
        return bench.store

    async def whole() -> None:
        asked = Question([Turn("user", (bench.decoded(), QUESTION))], LIMITS)
        async for _ in generate(method("kith"), bench.stages, open_store, asked):
            pass

    def models() -> None:
        bare.look([bench.decoded()], bench.words)
        bench.run(lambda: bare_answer(bench, references))

    side_by_side(benchmark, lambda: bench.run(whole), {"bare models": models}, at_most=ADDED)


@pytest.mark.parametrize("at_once", [1, 6])
def test_retrieve_beside_a_script(
    benchmark: BenchmarkFixture, bench: Bench, bare: BareModels, script_folder: Path, at_once: int
) -> None:
    """The script embeds one crop at a time, or six as RAP's retriever can."""
    script = Script(script_folder, bare, at_once)
    theirs = {f"script, crops by {at_once}": lambda: script.retrieve(PHOTO)}
    side_by_side(benchmark, retrieving(bench), theirs)


def test_remember_beside_a_script(
    benchmark: BenchmarkFixture, bench: Bench, script: Script, tmp_path: Path
) -> None:
    file = (STORY / "bo.webp").read_bytes()
    numbers = count()

    def theirs() -> None:
        name = f"new{next(numbers)}"
        script.remember(Entry(name, f"{name}.webp", "A dog.", "dog"), file)

    with ConceptStore.open(
        tmp_path, user="me", model=bench.stages.embedder.name, dim=bench.stages.embedder.dim
    ) as store:
        fill(store, bench.stages, bench.loop)

        async def whole() -> None:
            photo = Photo(images.decode(file, field="photo"))
            wish = Wish(f"new{next(numbers)}", "dog", "A dog.", [photo])
            await remember(bench.stages, store, wish)

        side_by_side(
            benchmark,
            lambda: bench.run(whole),
            {"script, which makes its index anew": theirs},
            rounds=FEW,
        )


async def bare_answer(bench: Bench, references: Sequence[Reference]) -> str:
    """What the language model says when it is given the prompt as it is."""
    turn = Turn("user", kith([bench.decoded()], references, QUESTION))
    return "".join([piece async for piece in bench.stages.generator.generate([turn], LIMITS)])


def told(bench: Bench) -> list[Reference]:
    """The references that the method chooses for the question."""

    async def recall() -> list[Used]:
        memory = await Memory.read(bench.store)
        turn = Turn("user", (bench.decoded(), QUESTION))
        return await method("kith").recall(memory, bench.stages, [turn])

    chosen = {used.concept.id: used for used in bench.run(recall)}
    photos = [
        images.decode(bench.store.photo(used.concept.views[0].blob), field="photo")
        for used in chosen.values()
    ]
    return [Reference(u.concept, p) for u, p in zip(chosen.values(), photos, strict=True)]
