"""A folder with the concepts' words in it answers as the base model does that wears their rows."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from kith.errors import InvalidInput
from services.baselines.artefacts import Artefact, Header
from services.baselines.base_model import BaseModel, Worn, chat
from services.baselines.merged import merge
from services.baselines.tokens import joined
from services.generation.engine import EngineGenerator
from services.generation.llava_model import LlavaModel
from services.generation.prompt import IMAGE
from services.runtime.profile import Profile
from services.runtime.types import Limits, Turn
from tests.generation.vllm import started

from .conftest import plain


def artefact(name: str, first: int, width: int) -> Artefact:
    torch.manual_seed(first)
    tokens = (f"<{name}>", *(f"<token{i}>" for i in range(first, first + 16)))
    read, written = torch.randn(2, 17, width).half()  # as the folder stores them
    return Artefact(Header("mc-llava", "f", tokens, {}, ""), {"read": read, "written": written})


@pytest.fixture(scope="module")
def pocket() -> BaseModel:
    return BaseModel(Profile.load("pocket").generator, "cpu", soft=16)


def test_the_folder_answers_as_the_rows_do(pocket: BaseModel, tmp_path: Path) -> None:
    both = [artefact("bo", 0, 256), artefact("mo", 16, 256)]
    merge(pocket.spec.directory, both, tmp_path / "merged")
    alone = LlavaModel(replace(pocket.spec, directory=tmp_path / "merged"))
    slot = pocket.slots[1]
    ours = chat(f"{IMAGE}\n{slot.name} is {''.join(slot.soft)}. Is {slot.name} here?")
    theirs = chat(f"{IMAGE}\n<mo> is {''.join(both[1].header.tokens[1:])}. Is <mo> here?")
    with pocket.wearing(Worn(joined([one.rows for one in both]), ("bo", "mo"))):
        expected = pocket.network(**pocket.read([pocket.prompt(ours)], [plain("red")])).logits
    given = alone.read([alone.prompt(theirs)], [plain("red")])
    assert torch.allclose(alone.network(**given).logits, expected, atol=1e-4)


def test_two_concepts_of_one_token_are_refused(pocket: BaseModel, tmp_path: Path) -> None:
    twice = [artefact("bo", 0, 256), artefact("mo", 0, 256)]
    with pytest.raises(InvalidInput, match="<token0> would stand for two things"):
        merge(pocket.spec.directory, twice, tmp_path / "merged")
    with pytest.raises(InvalidInput, match="<image> would stand for two things"):
        merge(pocket.spec.directory, [artefact("image", 0, 256)], tmp_path / "merged")


@pytest.mark.slow
async def test_vllm_says_what_the_rows_say(pocket: BaseModel, tmp_path: Path) -> None:
    """Greedy, from the merged folder, against the base model that wears the rows."""
    learned = artefact("bo", 0, 256)
    spread = pocket.scale / float(learned.tensors["read"].float().std())
    learned = replace(learned, tensors={k: (v * spread).half() for k, v in learned.tensors.items()})
    merge(pocket.spec.directory, [learned], tmp_path / "merged")
    slot, words = pocket.slots[0], learned.header.tokens
    asked = [f" {question}" for question in ("Is {} here?", "What color is {}?", "Describe {}.")]
    photos = [plain("red", (160, 160)), plain("blue", (160, 160))]
    with started(tmp_path / "log", MODEL=str(tmp_path / "merged")) as vllm:
        engine = await EngineGenerator.connect(vllm.url)
        for photo in photos:
            for question in asked:
                ours = f"{slot.name} is {''.join(slot.soft)}.{question.format(slot.name)}"
                theirs = f"<bo> is {''.join(words[1:])}.{question.format('<bo>')}"
                turn = Turn("user", (photo, f"\n{theirs}"))
                said = "".join([p async for p in engine.generate([turn], Limits(max_tokens=12))])
                worn = Worn(learned.rows, ("bo",))
                pieces = pocket.say(chat(f"{IMAGE}\n{ours}"), [photo], Limits(max_tokens=12), worn)
                # An engine shows the soft tokens that untrained rows make it write.
                shown = re.sub(r"<token\d+>", "", said)
                assert shown == "".join(p for p in pieces if isinstance(p, str))
        await engine.close()
