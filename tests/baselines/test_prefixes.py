"""What is kept of prompts, or computed once for several, changes no number."""

from collections.abc import Sequence

import pytest
import torch
from PIL import Image

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


Kinds = Sequence[tuple[Image.Image, str, str]]
"""Pictures, the last word of what is asked, and answers."""
TOGETHER: Kinds = [(RED, "here", "Yes"), (BLUE, "here", "Yes"), (RED, "a", "cat")]
SAME_QUESTION: Kinds = [(RED, "here", "Yes"), (RED, "here", "No"), (BLUE, "here", "Yes")]
SAME_ANSWER: Kinds = [(RED, "here", "a dog")] * 2


def together(model: BaseModel, kinds: Kinds = TOGETHER) -> list[Sample]:
    """Questions that begin alike, several about the same picture."""
    told = f"{model.slots[0].sentence}{model.slots[1].sentence}"
    return [
        Sample(chat(f"{IMAGE}\n{told} is {word}"), (image,), answer)
        for image, word, answer in kinds
    ]


@pytest.mark.parametrize("kinds", [TOGETHER, SAME_QUESTION, SAME_ANSWER])
def test_questions_about_a_picture_give_the_same_together(tiny: BaseModel, kinds: Kinds) -> None:
    asked, worn = together(tiny, kinds), rows(34)
    for tensor in (worn.read, worn.written):
        tensor.requires_grad_()
    with tiny.wearing(Worn(worn, ("bo", "ann"))):
        alone = torch.stack([tiny._losses([one], None).sum() for one in asked]).sum()
        expected = torch.autograd.grad(alone, [worn.read, worn.written])
        for prefixes in (None, Prefixes()):
            loss = tiny._losses(asked, prefixes).sum()
            assert loss.item() == pytest.approx(alone.item(), rel=1e-12)
            for ours, theirs in zip(
                torch.autograd.grad(loss, [worn.read, worn.written]), expected, strict=True
            ):
                # The network's norms are of single precision.
                assert (ours - theirs).norm() <= 1e-6 * theirs.norm()
        chats = [(one.messages, one.images) for one in asked]
        certain = [tiny.certainty([one])[0] for one in chats]
        assert tiny.certainty(chats) == pytest.approx(certain, rel=1e-12)


def test_what_tells_of_concepts_is_computed_once_a_picture(
    tiny: BaseModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    computed: list[tuple[int, ...]] = []
    embed = tiny._embedding.forward

    def counting(ids: torch.Tensor) -> torch.Tensor:
        computed.append(tuple(ids.shape))
        return embed(ids)

    monkeypatch.setattr(tiny._embedding, "forward", counting)
    prefixes, asked = Prefixes(), together(tiny)
    with tiny.wearing(Worn(rows(34), ("bo", "ann"))):
        tiny.loss(asked, prefixes)
        computed.clear()
        tiny.loss(asked, prefixes)
    (told, rest) = computed
    assert told[0] == 2
    assert told[1] > 2 * 17
    assert rest[0] == 3
    assert rest[1] < told[1]
