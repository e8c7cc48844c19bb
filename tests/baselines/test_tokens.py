"""Added tokens have rows of their own; nothing else of the model is touched."""

import pytest
import torch
from torch import nn

from services.baselines.base_model import BaseModel, Sample, Worn, chat, state_hash
from services.baselines.tokens import Rows, WiderEmbedding, WiderHead, joined, slots
from services.generation.prompt import IMAGE
from services.runtime.types import Limits

from .conftest import plain


def rows(n: int, width: int = 48) -> Rows:
    torch.manual_seed(1)
    read, written = torch.randn(2, n, width, dtype=torch.float64)
    return Rows(read, written)


def test_added_ids_read_their_own_rows_and_known_ids_the_models() -> None:
    own = nn.Embedding(10, 4)
    wider = WiderEmbedding(own, first=8)  # two rows of padding, as published models have
    read = torch.arange(12.0).reshape(3, 4)
    wider.worn = Rows(read, torch.zeros(3, 4))
    got = wider(torch.tensor([[7, 8, 10]]))
    assert torch.equal(got[0], torch.stack([own.weight[7], read[0], read[2]]))


def test_the_head_leaves_out_padding_rows() -> None:
    own = nn.Linear(4, 10, bias=False)
    wider = WiderHead(own, first=8)
    written = torch.randn(3, 4)
    wider.worn = Rows(torch.zeros(3, 4), written)
    hidden = torch.randn(2, 5, 4)
    expected = torch.cat([hidden @ own.weight[:8].T, hidden @ written.T], -1)
    assert torch.allclose(wider(hidden), expected)
    wider.worn = None
    assert wider(hidden).shape == (2, 5, 8)


def test_rows_of_several_concepts_stand_one_after_the_other() -> None:
    a, b = rows(2), rows(3)
    both = joined([a, b])
    assert torch.equal(both.read, torch.cat([a.read, b.read]))
    assert both.written.shape == (5, 48)


def test_slots_have_names_of_their_own() -> None:
    every = [token for slot in slots(16) for token in slot.tokens]
    assert len(set(every)) == len(every) == 16 * 17


def test_without_concepts_the_model_is_as_it_was(tiny: BaseModel) -> None:
    from services.generation.llava_model import LlavaModel

    plain_model = LlavaModel(tiny.spec, "cpu")
    asked, photo = chat(f"{IMAGE}\nIs a dog in this picture?"), [plain("red")]
    given = plain_model.read([plain_model.prompt(asked)], photo)
    ours = tiny.read([tiny.prompt(asked)], photo)
    assert torch.equal(given["input_ids"], ours["input_ids"])
    n = len(plain_model.tokenizer)
    assert torch.equal(plain_model.network(**given).logits[..., :n], tiny.network(**ours).logits)


def test_the_loss_is_the_mean_over_the_tokens_of_all_answers(tiny: BaseModel) -> None:
    """Written out: one sample at a time, whole sequence, log-softmax, no shortcut."""
    worn = Worn(rows(34), ("bo", "mo"))
    slot = tiny.slots[1]
    samples = [
        Sample(chat(f"{IMAGE}\nIs {slot.name} in this picture?"), (plain("red"),), "Yes"),
        Sample(
            chat(f"{IMAGE}\nhere {slot.soft[3]}"), (plain("blue"),), f"No, {slot.name} is a cat"
        ),
        Sample(chat(f"{slot.name} is"), (), "a dog"),
        Sample(
            chat(f"{slot.name} and {IMAGE}"), (plain("green"),), "here"
        ),  # the picture comes late
    ]
    told, tokens = 0.0, 0
    with tiny.wearing(worn):
        for sample in samples:
            prompt = tiny.prompt(sample.messages)
            n = tiny.read([prompt], sample.images)["input_ids"].shape[1]
            inputs = tiny.read([f"{prompt} {sample.answer}"], sample.images)
            chances = tiny.network(**inputs).logits[0].log_softmax(-1)
            ids = inputs["input_ids"][0]
            told -= sum(float(chances[i - 1, ids[i]]) for i in range(n, len(ids)))
            tokens += len(ids) - n
        for shuffled in (samples, samples[::-1], samples[:2]):
            if len(shuffled) == len(samples):
                assert float(tiny.loss(shuffled)) == pytest.approx(told / tokens, rel=1e-9)
    assert tokens > len(samples)


def test_gradients_are_those_of_the_whole_prompt_and_reach_the_rows_alone(tiny: BaseModel) -> None:
    """The part before the first concept token is computed without gradients: none is lost."""
    slot = tiny.slots[0]
    asked = chat(f"{IMAGE}\n{slot.name} is {''.join(slot.soft)}. here?")
    sample = Sample(asked, (plain("red"),), f"Yes, {slot.name}")
    gradients = []
    for shortcut in (True, False):
        read, written = (nn.Parameter(t.clone()) for t in (rows(17).read, rows(17).written))
        with tiny.wearing(Worn(Rows(read, written), ("bo",))):
            if shortcut:
                loss = tiny.loss([sample, sample])
            else:
                inputs = tiny.read([f"{tiny.prompt(asked)} {sample.answer}"], sample.images)
                n = tiny.read([tiny.prompt(asked)], sample.images)["input_ids"].shape[1]
                chances = tiny.network(**inputs).logits[0, n - 1 : -1].log_softmax(-1)
                loss = -chances.gather(1, inputs["input_ids"][0, n:, None]).mean()
            loss.backward()
        gradients.append((read.grad, written.grad))
    for ours, whole in zip(*gradients, strict=True):
        assert ours is not None
        assert whole is not None
        assert whole.norm() > 1e-3
        assert torch.allclose(ours, whole, rtol=1e-4, atol=1e-7)
    assert all(p.grad is None for name, p in tiny.network.named_parameters())


def test_an_answer_calls_concepts_by_their_names_and_hides_soft_tokens(tiny: BaseModel) -> None:
    slot = tiny.slots[1]
    ids = tiny.tokenizer(f"a dog, {slot.name}{slot.soft[2]} is here")["input_ids"]
    with tiny.wearing(Worn(rows(34), ("bo", "Mimi la chatte"))):
        assert tiny.decode(ids) == "a dog, <Mimi la chatte> is here"
    assert tiny.decode(ids) == "a dog,  is here"  # nobody is worn any more


def test_answers_come_while_concepts_are_worn_and_leave_no_trace(tiny: BaseModel) -> None:
    before = state_hash(tiny.network)
    pieces = list(tiny.say(chat("here"), (), Limits(max_tokens=4), Worn(rows(17), ("bo",))))
    assert pieces
    assert state_hash(tiny.network) == before
    assert tiny.network.get_input_embeddings().worn is None


def test_certainty_is_the_chance_of_yes_beside_no(tiny: BaseModel) -> None:
    chats = [
        (chat(f"{IMAGE}\nhere?"), [plain("red")]),
        (chat(f"{IMAGE}\nIs a cat here?"), [plain("blue")]),
    ]
    together = tiny.certainty(chats)
    for told, (messages, images) in zip(together, chats, strict=True):
        inputs = tiny.read([tiny.prompt(messages)], images)
        logits = tiny.network(**inputs).logits[0, -1]
        words = [
            tiny.tokenizer(w, add_special_tokens=False)["input_ids"][0] for w in (" Yes", " No")
        ]
        yes, no = (float(logits[w].exp()) for w in words)
        assert told == pytest.approx(yes / (yes + no), rel=1e-9)
