"""One small LLaVA for all tests of this folder."""

from collections.abc import Iterator

import pytest

from services.generation.llava import LlavaGenerator
from services.runtime.profile import GeneratorSpec

from .tiny import write_llava


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> GeneratorSpec:
    return write_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def generator(spec: GeneratorSpec) -> Iterator[LlavaGenerator]:
    generator = LlavaGenerator(spec)
    yield generator
    generator.close()
