"""`import kith` is free: a client loads no model and no engine, and starts at once."""

import subprocess
import sys

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

HEAVY = ["torch", "transformers", "ultralytics", "open_clip", "qdrant_edge", "qdrant_client", "PIL"]


@pytest.mark.parametrize("module", ["kith", "kith.cli"])
def test_importing_the_client_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_the_client_takes_little_time(benchmark: BenchmarkFixture) -> None:
    command = [sys.executable, "-c", "import kith"]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True}, rounds=10)
    assert benchmark.stats.stats.median < 0.5  # seconds; of the interpreter too, on any machine
