"""What the tests of the contract share: its generator, and the contract as that compiles it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.contract.reader import Contract

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def generator() -> ModuleType:
    """``proto/generate.py`` as a module."""
    spec = importlib.util.spec_from_file_location("generate", ROOT / "proto" / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def contract(generator: ModuleType) -> Contract:
    """The contract, compiled from its sources with comments."""
    return Contract(generator.describe())
