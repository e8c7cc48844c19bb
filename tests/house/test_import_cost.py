"""`import kith` is free: a client loads no model and no engine, and starts at once."""

import subprocess
import sys

import pytest

HEAVY = ["torch", "transformers", "ultralytics", "open_clip", "qdrant_edge", "qdrant_client", "PIL"]


@pytest.mark.parametrize("module", ["kith", "kith.cli"])
def test_importing_the_client_loads_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
