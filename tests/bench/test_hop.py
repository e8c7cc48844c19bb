"""What a hop costs: the same calls directly, over gRPC and over HTTP, on this machine."""

from contextlib import AsyncExitStack

import httpx
from pytest_benchmark.fixture import BenchmarkFixture

from kith import AsyncClient
from services.detection.remote import RemoteDetector
from services.detection.servicer import service as detection
from services.embedding.remote import RemoteEmbedder
from services.embedding.servicer import service as embedding
from tests.bench.conftest import Bench
from tests.bench.table import side_by_side
from tests.end_to_end.fleet import Fleet
from tests.runtime.serving import served


def test_detect_over_grpc(benchmark: BenchmarkFixture, bench: Bench) -> None:
    photo, hop = bench.decoded(), AsyncExitStack()

    async def connect() -> RemoteDetector:
        channel = await hop.enter_async_context(served(detection(bench.stages.detector)))
        return await RemoteDetector.connect(channel)

    remote = bench.run(connect)
    side_by_side(
        benchmark,
        lambda: bench.run(lambda: remote.detect(photo, bench.words)),
        {"detect": lambda: bench.run(lambda: bench.stages.detector.detect(photo, bench.words))},
    )
    bench.run(hop.aclose)


def test_embed_four_crops_over_grpc(benchmark: BenchmarkFixture, bench: Bench) -> None:
    crops, hop = [bench.decoded()] * 4, AsyncExitStack()

    async def connect() -> RemoteEmbedder:
        channel = await hop.enter_async_context(served(embedding(bench.stages.embedder)))
        return await RemoteEmbedder.connect(channel)

    remote = bench.run(connect)
    side_by_side(
        benchmark,
        lambda: bench.run(lambda: remote.embed_images(crops)),
        {"embed": lambda: bench.run(lambda: bench.stages.embedder.embed_images(crops))},
    )
    bench.run(hop.aclose)


def test_list_over_http(
    benchmark: BenchmarkFixture, bench: Bench, services: Fleet, client: AsyncClient
) -> None:
    """By the gateway, on a connection that is there."""
    with httpx.Client(base_url=services.children["gateway"].address) as http:
        side_by_side(
            benchmark,
            lambda: http.get("/v1/concepts").raise_for_status(),
            {"list over grpc": lambda: bench.run(client.list_concepts)},
        )
