"""One photo through the pipeline: each stage warm, the whole beside its bare models, and cold."""

import subprocess
import sys
from collections.abc import Sequence

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import ConceptStore
from services.assistant.findings import Used
from services.assistant.generate import Question, generate
from services.assistant.memory import Memory
from services.assistant.methods import method
from services.assistant.prompts import Reference, kith
from services.assistant.regions import cut
from services.assistant.retrieve import retrieve
from services.runtime import images
from services.runtime.types import Limits, Turn
from tests.bench.conftest import Bench

QUESTION = "Can you see <bo> in this photo? Answer the question using a single word Yes or No."
LIMITS = Limits(max_tokens=16)
WORDS = ("dog", "teapot", "cat", "plush toy", "toy car")

COLD = {
    "detect": "from services.detection.yolo import YoloDetector as M; make = lambda p: p.detector",
    "embed": "from services.embedding.clip import ClipEmbedder as M; make = lambda p: p.embedder",
    "generate": "from services.generation.llava import LlavaGenerator as M\n"
    "make = lambda p: p.generator",
}


def test_decode(benchmark: BenchmarkFixture, bench: Bench) -> None:
    assert benchmark(images.decode, bench.photo, field="photo").size == (256, 256)


def test_detect(benchmark: BenchmarkFixture, bench: Bench) -> None:
    photo = bench.decoded()
    detector = bench.stages.detector
    benchmark(lambda: bench.run(lambda: detector.detect(photo, WORDS)))


def test_embed_four_crops(benchmark: BenchmarkFixture, bench: Bench) -> None:
    crops = [bench.decoded()] * 4
    vectors = benchmark(lambda: bench.run(lambda: bench.stages.embedder.embed_images(crops)))
    assert vectors.shape == (4, bench.stages.embedder.dim)


def test_search_100_concepts(benchmark: BenchmarkFixture, bench: Bench) -> None:
    crops = [bench.decoded()] * 4
    vectors = bench.run(lambda: bench.stages.embedder.embed_images(crops))
    assert len(benchmark(bench.store.search, vectors, 32)) == 4


def test_generate_with_one_reference(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark(lambda: bench.run(lambda: bare_answer(bench, reference(bench))))


async def bare_answer(bench: Bench, references: Sequence[Reference]) -> str:
    turn = Turn("user", kith([bench.decoded()], references, QUESTION))
    return "".join([piece async for piece in bench.stages.generator.generate([turn], LIMITS)])


def reference(bench: Bench) -> list[Reference]:
    concept = bench.store.find("bo")
    assert concept is not None
    data = bench.store.photo(concept.views[0].blob)
    return [Reference(concept, images.decode(data, field="photo"))]


def test_bare_models_of_retrieve(benchmark: BenchmarkFixture, bench: Bench) -> None:
    async def bare() -> None:
        photo = bench.decoded()
        regions = await bench.stages.detector.detect(photo, WORDS)
        await bench.stages.embedder.embed_images([cut(photo, r.box) for r in regions] or [photo])

    benchmark(lambda: bench.run(bare))


def test_retrieve(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark.extra_info["against"] = "test_bare_models_of_retrieve"

    async def whole() -> None:
        await retrieve(method("kith"), bench.stages, bench.store, [bench.decoded()])

    benchmark(lambda: bench.run(whole))


def test_bare_models_of_ask(benchmark: BenchmarkFixture, bench: Bench) -> None:
    references = told(bench)

    async def bare() -> None:
        photo = bench.decoded()
        regions = await bench.stages.detector.detect(photo, WORDS)
        await bench.stages.embedder.embed_images([cut(photo, r.box) for r in regions] or [photo])
        await bare_answer(bench, references)

    benchmark(lambda: bench.run(bare))


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


def test_ask(benchmark: BenchmarkFixture, bench: Bench) -> None:
    benchmark.extra_info["against"] = "test_bare_models_of_ask"

    async def open_store() -> ConceptStore:
        return bench.store

    async def whole() -> None:
        turns = [Turn("user", (bench.decoded(), QUESTION))]
        asked = Question(turns, LIMITS)
        async for _ in generate(method("kith"), bench.stages, open_store, asked):
            pass

    benchmark(lambda: bench.run(whole))


@pytest.mark.parametrize("stage", COLD)
def test_cold(benchmark: BenchmarkFixture, bench: Bench, stage: str) -> None:
    code = (
        f"import asyncio\nfrom services.runtime.profile import Profile\n{COLD[stage]}\n"
        "model = M(make(Profile.load('pocket')), 'cpu')\nasyncio.run(model.warm_up())"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True}, rounds=3)


def test_import_kith(benchmark: BenchmarkFixture) -> None:
    command = [sys.executable, "-c", "import kith"]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True}, rounds=10)
