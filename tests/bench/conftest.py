"""The shipped models with a memory of 100 concepts, and the table at the end of a run."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL.Image import Image

from kith import AsyncClient
from memory_db import ConceptStore, NewView
from services.assistant.stages import Stages
from services.detection.yolo import YoloDetector
from services.embedding.clip import ClipEmbedder
from services.generation.llava import LlavaGenerator
from services.runtime import images
from services.runtime.profile import Profile
from tests.end_to_end.fleet import fleet
from tests.generation.vllm import own_vllm, vllm_url  # noqa: F401 - fixtures

STORY = Path(__file__).parents[2] / "kith" / "demo" / "story"
CATEGORIES = {"bo": "dog", "sunny": "teapot", "mia": "cat", "pip": "plush toy", "rocket": "toy car"}
CONCEPTS = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """Everything a question needs, in one process."""

    stages: Stages
    store: ConceptStore
    photo: bytes
    """A WebP of 256 px with two of the five concepts."""
    loop: asyncio.AbstractEventLoop

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self.loop.run_until_complete(work())

    def decoded(self) -> Image:
        return images.decode(self.photo, field="photo")


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    profile = Profile.load("pocket")
    if not profile.generator.directory.exists():
        pytest.skip("the pocket models are not trained: python -m pocket.train")
    detector = YoloDetector(profile.detector, profile.device)
    embedder = ClipEmbedder(profile.embedder, profile.device)
    generator = LlavaGenerator(profile.generator, profile.device)
    loop = asyncio.new_event_loop()
    spec = profile.embedder
    stages = Stages(detector, embedder, generator, spec.stranger_distance, spec.distance_scale)
    memory = tmp_path_factory.mktemp("memory")
    with ConceptStore.open(memory, user="me", model=spec.name, dim=spec.dim) as store:
        fill(store, stages, loop)
        for model in (detector, embedder, generator):
            loop.run_until_complete(model.warm_up())
        yield Bench(stages, store, (STORY / "scene-3.webp").read_bytes(), loop)
    for model in (detector, embedder, generator):
        model.close()
    loop.close()


@pytest.fixture(scope="session")
def client(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsyncClient]:
    """Of an assistant with the same memory, all services in processes of their own."""
    folder = tmp_path_factory.mktemp("services")
    spec = Profile.load("pocket").embedder
    with ConceptStore.open(folder / "memory", user="me", model=spec.name, dim=spec.dim) as store:
        fill(store, bench.stages, bench.loop)
    with fleet(folder) as services:
        client = AsyncClient(services.children["assistant"].address)
        bench.run(client.__aenter__)
        yield client
        bench.run(lambda: client.__aexit__(None, None, None))


def fill(store: ConceptStore, stages: Stages, loop: asyncio.AbstractEventLoop) -> None:
    """The story's five concepts, and others with vectors of no meaning, up to a hundred."""
    files = [(STORY / f"{name}.webp").read_bytes() for name in CATEGORIES]
    photos = [images.decode(file, field="photo") for file in files]
    vectors = loop.run_until_complete(stages.embedder.embed_images(photos))
    for (name, category), file, vector in zip(CATEGORIES.items(), files, vectors, strict=True):
        store.remember(name, category, f"<{name}> is a {category}.", [NewView(file, vector)])
    rng = np.random.default_rng(0)
    for number in range(CONCEPTS - len(CATEGORIES)):
        vector = rng.standard_normal(stages.embedder.dim).astype(np.float32)
        view = NewView(files[0], vector / np.linalg.norm(vector))
        store.remember(f"other{number}", "dog", "", [view])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the tables of docs/performance.md: times, and ratios within this run."""
    session = getattr(terminalreporter.config, "_benchmarksession", None)
    rows = {row.name: row for row in session.benchmarks if not row.has_error} if session else {}
    if not rows:
        return
    terminalreporter.write_line("")
    terminalreporter.write_line("| what | median, ms | p99, ms | ratio in this run |")
    terminalreporter.write_line("|---|---|---|---|")
    for row in rows.values():
        against = row.extra_info.get("against")
        beside = rows.get(against)
        ratio = (
            f"{row.stats.median / beside.stats.median:.2f} x {against[5:].replace('_', ' ')}"
            if beside
            else ""
        )
        told = "; ".join(filter(None, [ratio, row.extra_info.get("note")]))
        words = row.name.removeprefix("test_").replace("_", " ")
        times = row.stats.data
        middle, last = (f"{1000 * t:.1f}" for t in np.percentile(times, [50, 99]))
        terminalreporter.write_line(f"| {words} | {middle} | {last} | {told} |")
