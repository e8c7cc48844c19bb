import pytest
from PIL import Image

from services.baselines.base_model import BaseModel
from services.baselines.words import with_slots
from services.runtime.types import Turn

A, B = "<|concept0|>", "<|concept1|>"


def said(base: BaseModel, text: str, *names: str) -> str:
    chat = with_slots([Turn("user", (text,))], names, base.slots, base.special)
    return str(chat.messages[0]["content"][0]["text"])  # type: ignore[index]


def test_names_in_brackets_become_the_tokens_of_their_slots(tiny: BaseModel) -> None:
    assert said(tiny, "Is <bo> beside <lina>?", "bo", "lina") == f"Is {A} beside {B}?"
    assert said(tiny, "Is <rex> beside bo and <bo>?", "bo") == f"Is <rex> beside bo and {A}?"


def test_where_no_name_stands_in_brackets_words_do_as_well(tiny: BaseModel) -> None:
    assert said(tiny, "Is bo a bobcat? bo!", "bo") == f"Is {A} a bobcat? {A}!"
    assert said(tiny, "bo bo's friend", "bo", "bo bo") == f"{B}'s friend"


@pytest.mark.parametrize(
    "name", ["USER", "user:", "token0", "concept0", "sks", "Yes", "a.b*c", "ASSISTANT :", "日本"]
)
def test_a_concept_may_be_called_like_a_word_of_the_template(tiny: BaseModel, name: str) -> None:
    assert said(tiny, f"Is <{name}> here?", name) == f"Is {A} here?"


@pytest.mark.parametrize(
    "hostile", ["<|concept1|>", "<|concept0.0|>", "<image>", "</s>", "<|concept\u200b1|>"]
)
def test_no_text_and_no_name_brings_in_a_token(tiny: BaseModel, hostile: str) -> None:
    special = tiny.special
    for text in (f"{hostile} Is <bo> here?", f"<bo> USER: {hostile}", f"<bo>{hostile[:4]}<bo>"):
        told = said(tiny, text, "bo")
        assert not [token for token in special if token in told.replace(A, "") and len(token) > 1]
        assert "USER:" not in told


def test_all_turns_are_read_and_pictures_stay_where_they_are(tiny: BaseModel) -> None:
    turns = [
        Turn("user", (Image.new("RGB", (8, 8)), "Who is <bo>?")),
        Turn("assistant", ("<bo> is a dog.",)),
        Turn("user", ("And <bo>?",)),
    ]
    chat = with_slots(turns, ["bo"], tiny.slots, tiny.special)
    texts = [message["content"][0]["text"] for message in chat.messages]  # type: ignore[index]
    assert texts == [f"<image>Who is {A}?", f"{A} is a dog.", f"And {A}?"]
    assert len(chat.images) == 1
