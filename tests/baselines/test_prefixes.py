"""What is kept of prompts changes no number, and stays within its bound."""

import pytest
import torch

from services.baselines.base_model import BaseModel, Sample, Worn, chat
from services.baselines.prefixes import Prefixes
from services.generation.prompt import IMAGE

from .conftest import plain
from .test_tokens import rows

RED, BLUE = plain("red"), plain("blue")


def samples(model: BaseModel) -> list[Sample]:
    name = model.slots[0].name
    return [
        Sample(chat(f"{IMAGE}\nhere {name}"), (RED,), "Yes"),
        Sample(chat(f"{IMAGE}\nhere {name}"), (BLUE,), "No"),
        Sample(chat(f"{IMAGE}\nhere {name} is"), (RED,), "a dog"),
        Sample(chat(f"a cat {name}"), (), "here"),
        Sample(chat(f"a dog {name}"), (), "here"),
    ]


def test_a_loss_is_the_same_with_what_was_kept(tiny: BaseModel) -> None:
    prefixes, asked = Prefixes(), samples(tiny)
    with tiny.wearing(Worn(rows(17), ("bo",))):
        plainly = tiny.loss(asked)
        for batch in (asked, asked[::-1], asked):  # the first fills it
            assert tiny.loss(batch, prefixes).item() == pytest.approx(plainly.item(), rel=1e-12)
        alone = [tiny.loss([one]).item() for one in asked]
        kept = [tiny.loss([one], prefixes).item() for one in asked]
    assert kept == pytest.approx(alone, rel=1e-12)


def test_a_picture_is_looked_at_once(tiny: BaseModel, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    look = tiny.network.model.get_image_features

    def counting(pixel_values: torch.Tensor, *args: object, **kwargs: object) -> object:
        looked.append(len(pixel_values))
        return look(pixel_values, *args, **kwargs)

    monkeypatch.setattr(tiny.network.model, "get_image_features", counting)
    prefixes, asked = Prefixes(), samples(tiny)[:3]
    with tiny.wearing(Worn(rows(17), ("bo",))):
        tiny.loss(asked, prefixes)
        tiny.loss(asked, prefixes)
        tiny.certainty([(asked[0].messages, (BLUE,))], prefixes)
    assert looked == [2]


def test_the_oldest_leave_when_there_are_too_many(tiny: BaseModel) -> None:
    asked = samples(tiny)[:2]
    with tiny.wearing(Worn(rows(17), ("bo",))):
        expected = tiny.loss(asked).item()
        for most_bytes in (0, 1 << 14, 1 << 30):
            prefixes = Prefixes(most_bytes)
            for _ in range(2):
                assert tiny.loss(asked, prefixes).item() == pytest.approx(expected, rel=1e-12)
            assert prefixes._bytes <= most_bytes
