"""Batches of the LLaVA recipe: what is supervised, and what each question hears."""

from dataclasses import replace

import pytest
import torch
from transformers import PreTrainedTokenizerFast

from pocket import clip, llava, llava_format
from pocket.bank import Bank
from pocket.dialogue import Conversation, multiple_choice
from pocket.llava_batches import Album, Encoded, Packed, Packer, hearing

TEXTS = ["USER: Can you see <bo> in this photo? ASSISTANT: Yes", "<mia> is a slim white dog."] * 9


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    return llava_format.train_tokenizer(TEXTS)


@pytest.fixture(scope="module")
def packer(bank: Bank, tokenizer: PreTrainedTokenizerFast) -> Packer:
    torch.manual_seed(2)
    return Packer(bank, Album(bank, clip.build(), "cpu"), tokenizer, seed=0)


def personal(packer: Packer, *, apart: bool) -> Conversation:
    """One personal conversation of the wanted kind, with references."""
    drawn = (packer.author.personal(scene) for scene in range(24))
    return next(talk for talk in drawn if talk.apart == apart and talk.numbered)


def logits(model: torch.nn.Module, batch: Packed) -> torch.Tensor:
    """[B, L, vocabulary]."""
    model.eval()
    with torch.inference_mode():
        embedded = model.model.language_model.embed_tokens(batch.ids)
        pictures = model.model.multi_modal_projector(batch.features).flatten(0, 1)
        spots = batch.ids == model.config.image_token_id
        out = model.model.language_model(
            inputs_embeds=embedded.masked_scatter(spots[..., None], pictures),
            attention_mask=hearing(batch.branches),
            position_ids=batch.positions,
            use_cache=False,
        )
        return model.lm_head(out.last_hidden_state)


def test_a_batch_supervises_text_and_no_picture(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    for batch in packer.batches({"personal": 1.0}, alike=0.5):
        told = batch.labels >= 0
        marked = batch.ids == tokenizer.convert_tokens_to_ids("<image>")
        assert marked.sum() == len(batch.features) * llava_format.PATCHES
        assert not (batch.weights[~told] > 0).any()
        assert not (batch.labels == tokenizer.convert_tokens_to_ids("<image>")).any()
        assert ((batch.patches >= 0) <= marked).all()
        rows, columns = torch.nonzero(told, as_tuple=True)
        assert torch.equal(batch.labels[told], batch.ids[rows, columns + 1])


def test_every_name_is_told_to_call_its_reference(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    for talk in (personal(packer, apart=True), packer.author.spoken(seen=False)):
        batch = packer.pack([packer.encode(talk)])
        words = [talk.opening, *(text for turn in talk.turns for text in turn)]
        for number, name in enumerate(talk.names, 1):
            said = sum(text.count(name) for text in words)
            assert int((batch.called == number).sum()) == said


def test_an_answer_is_told_whom_it_is_about_to_name(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    talk = Conversation(
        "1. Name: <bo>\n2. Name: <lou>\n",
        [("Who is here beside <bo>?", "<lou> and <bo>.")],
        names=["<bo>", "<lou>"],
    )
    batch = packer.pack([packer.encode(talk)])
    told = batch.naming > 0
    assert batch.naming[told].tolist() == [2, 1]
    assert [tokenizer.decode(t).strip() for t in batch.ids[told]] == ["<", "<"]


def test_the_right_option_is_told_from_the_wrong_one(packer: Packer) -> None:
    question = multiple_choice("What color is <bo>?", ["red", "blue"])
    talk = Conversation("1. Name: <bo>, Info: <bo> is red.\n", [(question, "A"), (question, "B")])
    batch = packer.pack([packer.encode(talk)])
    assert batch.options[batch.options >= 0].tolist() == [1, 0, 0, 1]


def test_a_line_of_the_list_is_told_from_the_others(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    talk = packer.author.spoken(seen=False)
    batch = packer.pack([packer.encode(talk)])
    for number, line in enumerate(talk.opening.splitlines(), 1):
        told = tokenizer.decode(batch.ids[batch.lines == number])
        assert told.strip() == line


def test_a_question_that_stands_apart_is_answered_as_the_only_one(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    torch.manual_seed(4)
    model = llava.build(tokenizer)
    talk = personal(packer, apart=True)
    together = packer.encode(talk)
    seen = logits(model, packer.pack([together]))[0]
    for number, turn in enumerate(talk.turns, 1):
        alone: Encoded = packer.encode(replace(talk, turns=[turn], apart=False))
        expected = logits(model, packer.pack([alone]))[0]
        own = torch.from_numpy(together.branches == number)
        assert torch.allclose(seen[own], expected[-int(own.sum()) :], atol=1e-4)


def test_a_conversation_reads_as_the_chat_template_writes_it(
    packer: Packer, tokenizer: PreTrainedTokenizerFast
) -> None:
    for apart in (True, False):
        talk = personal(packer, apart=apart)
        encoded = packer.encode(talk)
        question, answer = talk.turns[0]
        text = f"{llava_format.render(talk.opening + question)} {answer}</s>"
        first = encoded.ids[: len(packer.spread(text))]
        assert first.tolist() == packer.spread(text)


def test_a_chat_hears_its_earlier_turns(packer: Packer) -> None:
    batch = packer.pack([packer.encode(personal(packer, apart=False))])
    heard = hearing(batch.branches)[0, 0]
    assert torch.equal(heard, torch.ones_like(heard).tril())
    assert torch.equal(batch.positions[0], torch.arange(batch.ids.shape[1]))
