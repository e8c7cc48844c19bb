"""A small LLaVA for all tests of this folder, the pocket one, and a vLLM where there is one."""

import os
from collections.abc import Iterator

import pytest

from services.generation.llava import LlavaGenerator
from services.runtime.profile import GeneratorSpec, Profile

from .tiny import write_llava
from .vllm import INSTALLED, Vllm

_VLLM = os.environ.get("KITH_TEST_VLLM")


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


@pytest.fixture(scope="session")
def own_vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    """A server that a test may stop and start."""
    if _VLLM != "start":
        pytest.skip("set KITH_TEST_VLLM=start to have a vLLM started")
    if not INSTALLED.exists():
        pytest.skip("vLLM is not installed: make vllm")
    server = Vllm(tmp_path_factory.mktemp("vllm") / "log")
    try:
        server.start()
        yield server
    finally:
        server.kill()


@pytest.fixture(scope="session")
def vllm_url(request: pytest.FixtureRequest) -> str:
    if not _VLLM:
        pytest.skip("set KITH_TEST_VLLM to the URL of what make vllm starts, or to start")
    if _VLLM != "start":
        return _VLLM
    server: Vllm = request.getfixturevalue("own_vllm")
    return server.url
