"""Each stage of one photo's way, warm: the model is loaded and has run once."""

from collections.abc import Callable, Coroutine
from typing import Any

from pytest_benchmark.fixture import BenchmarkFixture

from services.assistant.prompts import Reference
from services.runtime import images
from tests.bench.conftest import Bench
from tests.bench.table import ROUNDS
from tests.bench.test_pipeline import bare_answer


def time_of(
    benchmark: BenchmarkFixture, bench: Bench, work: Callable[[], Coroutine[Any, Any, object]]
) -> object:
    return benchmark.pedantic(lambda: bench.run(work), rounds=ROUNDS, warmup_rounds=1)


def test_decode(benchmark: BenchmarkFixture, bench: Bench) -> None:
    photo = benchmark.pedantic(bench.decoded, rounds=ROUNDS, warmup_rounds=1)
    assert photo.size == (256, 256)


def test_detect(benchmark: BenchmarkFixture, bench: Bench) -> None:
    photo = bench.decoded()
    assert time_of(benchmark, bench, lambda: bench.stages.detector.detect(photo, bench.words))


def test_embed_four_crops(benchmark: BenchmarkFixture, bench: Bench) -> None:
    crops = [bench.decoded()] * 4
    time_of(benchmark, bench, lambda: bench.stages.embedder.embed_images(crops))


def test_search_100_concepts(benchmark: BenchmarkFixture, bench: Bench) -> None:
    crops = [bench.decoded()] * 4
    vectors = bench.run(lambda: bench.stages.embedder.embed_images(crops))
    found = benchmark.pedantic(bench.store.search, (vectors, 32), rounds=ROUNDS, warmup_rounds=1)
    assert len(found) == 4


def test_generate_with_one_reference(benchmark: BenchmarkFixture, bench: Bench) -> None:
    concept = bench.store.find("bo")
    assert concept is not None
    photo = images.decode(bench.store.photo(concept.views[0].blob), field="photo")
    time_of(benchmark, bench, lambda: bare_answer(bench, [Reference(concept, photo)]))
