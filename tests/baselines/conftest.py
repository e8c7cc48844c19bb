"""A small LLaVA in double precision with slots for concept tokens, and pictures to learn from.

And a service on it, whose method learns as fast as a test wants.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from services.baselines.base_model import BaseModel
from services.baselines.material import Example, Material, Subject
from services.runtime.profile import GeneratorSpec
from tests.assistant.conftest import empty_memory, memory_folder
from tests.baselines.service import Caller, serving
from tests.baselines.steps import Steps
from tests.generation.tiny import TEMPLATE, write_llava

__all__ = ["empty_memory", "memory_folder"]  # fixtures of another room

# Pictures stand among the words, as in the templates that are used with Kith.
_TEMPLATE = TEMPLATE.replace(
    "{% for part in m['content'] if part['type'] == 'image' %}<image>\n{% endfor %}", ""
)


@pytest.fixture(scope="session")
def tiny_spec(tmp_path_factory: pytest.TempPathFactory) -> GeneratorSpec:
    folder = tmp_path_factory.mktemp("tiny-llava")
    spec = write_llava(folder)
    (folder / "chat_template.jinja").write_text(_TEMPLATE, encoding="utf-8")
    return replace(spec, dtype="float64", training_batch=16)  # type: ignore[arg-type]


@pytest.fixture
def tiny(tiny_spec: GeneratorSpec) -> BaseModel:
    return BaseModel(tiny_spec, "cpu", soft=16)


def plain(color: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, color)


@pytest.fixture
def material() -> Material:
    """One concept, five pictures; two hard and two soft negatives."""
    reds = ("red", "darkred", "crimson", "firebrick", "tomato")
    subject = Subject("c1", "bo", "dog", tuple(Example(plain(color)) for color in reds))
    return Material((subject,), (plain("orange"), plain("gold")), (plain("blue"), plain("green")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "training"


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
async def caller(
    memory_folder: Path, tiny_spec: GeneratorSpec, steps: Steps
) -> AsyncIterator[Caller]:
    async with serving(memory_folder, tiny_spec, steps) as caller:
        yield caller
        steps.may_go.set()
