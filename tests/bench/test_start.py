"""From nothing to an answer: imports, models, a script's start beside ours, the whole product."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from memory_db import ConceptStore
from tests.bench.conftest import Bench, fill, pictures
from tests.bench.table import FEW, ROUNDS, side_by_side, sizes, tell
from tests.bench.world import STORY
from tests.end_to_end.test_up import SERVICES, Up, running

IMPORT_S = 0.3
"""How long a client may take to be imported, Python's own start included."""

COLD = {
    "detect": "from services.detection.yolo import YoloDetector as M; make = lambda p: p.detector",
    "embed": "from services.embedding.clip import ClipEmbedder as M; make = lambda p: p.embedder",
    "generate": "from services.generation.llava import LlavaGenerator as M\n"
    "make = lambda p: p.generator",
}
OURS = """
import sys
from kith import Client
with Client(memory=sys.argv[1], timeout_s=600) as kith:
    assert kith.retrieve(sys.argv[2]).regions
"""
THEIRS = """
import sys
from pathlib import Path
from tests.bench.script import Script
assert Script(Path(sys.argv[1])).retrieve(Path(sys.argv[2]).read_bytes())
"""


def python(code: str, *arguments: object) -> None:
    """Runs a program of its own."""
    command = [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]
    subprocess.run(command, check=True, cwd=STORY.parents[2])


@pytest.mark.parametrize("module", ["Client from kith", "main from kith.cli"])
def test_import(benchmark: BenchmarkFixture, module: str) -> None:
    what, where = module.split(" from ")
    code = f"from {where} import {what}"
    benchmark.pedantic(python, (code,), rounds=ROUNDS // 3, warmup_rounds=1)
    middle = benchmark.stats.stats.median
    tell(benchmark, f"{middle:.2f} s", f"≤ {IMPORT_S} s", holds=middle <= IMPORT_S)


@pytest.mark.parametrize("stage", COLD)
def test_cold(benchmark: BenchmarkFixture, stage: str) -> None:
    code = (
        f"import asyncio\nfrom services.runtime.profile import Profile\n{COLD[stage]}\n"
        "model = M(make(Profile.load('pocket')), 'cpu')\nasyncio.run(model.warm_up())"
    )
    benchmark.pedantic(python, (code,), rounds=FEW, warmup_rounds=1)


@pytest.mark.parametrize("concepts", sizes(10, 100, long=1000))
def test_first_retrieve_beside_a_script(
    benchmark: BenchmarkFixture, bench: Bench, tmp_path: Path, concepts: int
) -> None:
    """A process that opens a memory of so many concepts and looks at one photo."""
    ours, theirs, photo = tmp_path / "memory", tmp_path / "script", STORY / "scene-3.webp"
    model = bench.stages.embedder
    with ConceptStore.open(ours, user="me", model=model.name, dim=model.dim) as store:
        fill(store, bench.stages, bench.loop, concepts)
    theirs.mkdir()
    pictures(theirs, concepts)
    side_by_side(
        benchmark,
        lambda: python(OURS, ours, photo),
        {"script": lambda: python(THEIRS, theirs, photo)},
        rounds=FEW,
    )


def test_until_all_services_are_ready(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    """From the command `kith up` on: five processes, the models loaded and run once."""
    stack = ExitStack()

    def ready() -> None:
        up: Up = stack.enter_context(running(tmp_path))
        up.wait_for("ready", SERVICES)

    benchmark.pedantic(ready, setup=stack.close, rounds=FEW)
    stack.close()
