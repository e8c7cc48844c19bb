"""User text is data: what survives of it, and what is refused by name."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kith.errors import InvalidInput
from memory_db.names import (
    MAX_DESCRIPTION_CHARS,
    MAX_NAME_CHARS,
    clean_category,
    clean_description,
    clean_name,
    clean_text,
    folder_name,
)


@pytest.mark.parametrize(
    ("given_name", "stored"),
    [
        ("bo", "bo"),
        ("<bo>", "bo"),
        ("  my \t dog\n", "my dog"),
        ("b\u200bo\u202e\ufeff", "bo"),
        ("b\x00o\x1b[31m", "bo[31m"),
        ("Zoe\u0308", "Zo\u00eb"),
        ("\u3164bo\u2800", "bo"),
        ("e\u200d\u0301", "\u00e9"),
        ("\ud800bo", "bo"),
        ("chua-thien-mu", "chua-thien-mu"),
        ("小白", "小白"),
        ("bo\ufe0f", "bo"),
    ],
)
def test_a_name_is_kept_as_people_see_it(given_name: str, stored: str) -> None:
    assert clean_name(given_name) == stored


@pytest.mark.parametrize(
    "refused",
    [
        "",
        "  ",
        "\u200b",
        "<>",
        "< >",
        "a<b",
        "b>",
        "<<bo>>",
        "<|im_start|>",
        "image",
        "<Image>",
        "</s>",
        "s",
        "x" * (MAX_NAME_CHARS + 1),
    ],
)
def test_what_cannot_be_a_name_is_refused_with_the_field(refused: str) -> None:
    with pytest.raises(InvalidInput, match="display_name") as caught:
        clean_name(refused)
    assert caught.value.field == "display_name"


def test_texts_have_their_limits() -> None:
    assert clean_name("x" * MAX_NAME_CHARS)
    with pytest.raises(InvalidInput, match="2001 characters, at most 2000"):
        clean_description("x" * (MAX_DESCRIPTION_CHARS + 1))
    with pytest.raises(InvalidInput, match="category"):
        clean_category("<image>")


def test_a_category_is_lower_case_and_a_description_may_name_concepts() -> None:
    assert clean_category(" Plush  Toy ") == "plush toy"
    assert clean_description("<bo> is\r\na Shiba\u2028Inu") == "<bo> is a Shiba Inu"


@given(st.text())
def test_cleaned_text_is_one_visible_line_and_cleaning_again_changes_nothing(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned == unicodedata.normalize("NFC", cleaned)
    assert "  " not in cleaned
    assert not {unicodedata.category(char) for char in cleaned} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text())
def test_a_name_that_is_kept_is_kept_as_it_is_the_next_time(text: str) -> None:
    try:
        name = clean_name(text)
    except InvalidInput:
        return
    assert clean_name(name) == clean_name(f"<{name}>") == name


@given(st.text(max_size=40), st.text(max_size=40))
def test_folder_names_are_safe_and_never_shared(one: str, other: str) -> None:
    folder = folder_name(one)
    assert folder.isascii()
    assert len(folder) <= 50
    assert not set(folder) - set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert (folder == folder_name(other)) == (one == other)
