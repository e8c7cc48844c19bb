"""The models with a memory of 100 concepts, and the tables at the end of a run."""

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
from services.runtime.weights import trust
from tests.bench import world
from tests.bench.bare import BareModels
from tests.bench.script import Entry, Script, write
from tests.bench.table import tables
from tests.bench.world import CATEGORIES, STORY
from tests.end_to_end.fleet import Fleet, fleet
from tests.generation.vllm import own_vllm, vllm_url  # noqa: F401 - fixtures

CONCEPTS = 100

T = TypeVar("T")


@dataclass(frozen=True)
class Bench:
    """Everything a question needs, in one process."""

    stages: Stages
    store: ConceptStore
    loop: asyncio.AbstractEventLoop

    def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return self.loop.run_until_complete(work())

    @property
    def words(self) -> tuple[str, ...]:
        """What the detector is asked for."""
        return tuple(CATEGORIES.values())

    def decoded(self) -> Image:
        return world.photo()


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    profile = world.profile()
    if world.WEIGHTS:
        trust(profile.detector.weights)  # by whoever names the folder here
    words = profile.detector_text and ClipEmbedder(profile.detector_text, profile.device)
    spell = words.embed_texts if words else None
    detector = YoloDetector(profile.detector, profile.device, spell)
    embedder = ClipEmbedder(profile.embedder, profile.device)
    generator = LlavaGenerator(profile.generator, profile.device)
    models = [model for model in (detector, embedder, generator, words) if model]
    loop = asyncio.new_event_loop()
    spec = profile.embedder
    stages = Stages(detector, embedder, generator, spec.stranger_distance, spec.distance_scale)
    memory = tmp_path_factory.mktemp("memory")
    with ConceptStore.open(memory, user="me", model=spec.name, dim=spec.dim) as store:
        fill(store, stages, loop)
        for model in models:
            loop.run_until_complete(model.warm_up())
        yield Bench(stages, store, loop)
    for model in models:
        model.close()
    loop.close()


@pytest.fixture(scope="session")
def bare(bench: Bench) -> BareModels:
    """The same models as `bench` has, as their libraries run them."""
    return BareModels(world.profile())


@pytest.fixture(scope="session")
def script_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As many concepts as `bench` has, for a script."""
    return pictures(tmp_path_factory.mktemp("script"), CONCEPTS)


@pytest.fixture(scope="session")
def script(script_folder: Path, bare: BareModels) -> Script:
    return Script(script_folder, bare)


@pytest.fixture(scope="session")
def services(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """All of them with the same memory, in processes of their own."""
    folder = tmp_path_factory.mktemp("services")
    spec = world.profile().embedder
    with ConceptStore.open(folder / "memory", user="me", model=spec.name, dim=spec.dim) as store:
        fill(store, bench.stages, bench.loop)
    with fleet(folder, world.WEIGHTS) as made:
        yield made


@pytest.fixture(scope="session")
def client(bench: Bench, services: Fleet) -> Iterator[AsyncClient]:
    """Of their assistant."""
    client = AsyncClient(services.children["assistant"].address)
    bench.run(client.__aenter__)
    yield client
    bench.run(lambda: client.__aexit__(None, None, None))


def fill(
    store: ConceptStore,
    stages: Stages,
    loop: asyncio.AbstractEventLoop,
    concepts: int = CONCEPTS,
) -> None:
    """The story's five concepts, and others with vectors of no meaning."""
    files = [(STORY / f"{name}.webp").read_bytes() for name in CATEGORIES]
    photos = [images.decode(file, field="photo") for file in files]
    vectors = loop.run_until_complete(stages.embedder.embed_images(photos))
    for (name, category), file, vector in zip(CATEGORIES.items(), files, vectors, strict=True):
        store.remember(name, category, f"<{name}> is a {category}.", [NewView(file, vector)])
    rng = np.random.default_rng(0)
    for number in range(concepts - len(CATEGORIES)):
        vector = rng.standard_normal(stages.embedder.dim).astype(np.float32)
        view = NewView(files[0], vector / np.linalg.norm(vector))
        store.remember(f"other{number}", "dog", "", [view])


def pictures(folder: Path, concepts: int) -> Path:
    """A database for a script: the story's five concepts, and their pictures again and again."""
    known = list(CATEGORIES.items())
    entries, files = [], {}
    for number in range(concepts):
        name, category = known[number % len(known)]
        files[f"{number}.webp"] = (STORY / f"{name}.webp").read_bytes()
        called = name if number < len(known) else f"other{number}"
        entries.append(Entry(called, f"{number}.webp", f"<{called}> is a {category}.", category))
    write(folder, entries, files)
    return folder


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the tables of docs/performance.md."""
    session = getattr(terminalreporter.config, "_benchmarksession", None)
    if session and session.benchmarks:
        terminalreporter.write_line(f"\n{tables(session.benchmarks)}")
