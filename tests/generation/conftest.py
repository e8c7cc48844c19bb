"""A small LLaVA for all tests of this folder, the pocket one, and a vLLM where there is one."""

from collections.abc import Iterator

import pytest

from services.generation.llava import LlavaGenerator
from services.runtime.profile import GeneratorSpec, Profile

from .tiny import write_llava
from .vllm import own_vllm, vllm_url  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> GeneratorSpec:
    return write_llava(tmp_path_factory.mktemp("llava"))


@pytest.fixture(scope="session")
def generator(spec: GeneratorSpec) -> Iterator[LlavaGenerator]:
    generator = LlavaGenerator(spec)
    yield generator
    generator.close()


@pytest.fixture(scope="session")
def pocket() -> Iterator[LlavaGenerator]:
    generator = LlavaGenerator(Profile.load("pocket").generator)
    yield generator
    generator.close()
