"""What looks the same is the same, and nothing can hide in a text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.runtime.text import plain


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("bo", "bo"),
        ("e\u0301", "é"),
        ("b\u200bo", "bo"),
        ("\u202eob", "ob"),
        ("a\u2066b\u2069", "ab"),
        ("\ufeffbo\x00\x07", "bo"),
        ("one\r\ntwo\rthree\tfour", "one\ntwo\nthree\tfour"),
        ("tag\U000e0041\U000e0042", "tag"),
        ("日本 🐕 ñ", "日本 🐕 ñ"),
        ("private\ue000", "private"),
    ],
)
def test_only_what_can_be_seen_stays(text: str, seen: str) -> None:
    assert plain(text) == seen


@given(st.text())
def test_a_second_pass_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
