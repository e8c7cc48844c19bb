"""Where an answer ends, whatever the pieces in which it comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.generation.stopping import settled


@pytest.mark.parametrize(
    ("text", "stops", "shown", "stopped"),
    [
        ("Yes, it is.", (), "Yes, it is.", False),
        ("Yes. USER", ("USER:",), "Yes. ", False),
        ("Yes. USER:", ("USER:",), "Yes. ", True),
        ("Yes. USERS", ("USER:",), "Yes. USERS", False),
        ("a###b\n", ("\n", "###"), "a", True),
        ("ab", ("abc", "b!"), "", False),
        ("", ("x",), "", False),
        ("ab", ("b", "abc"), "", False),
    ],
)
def test_what_may_be_shown(text: str, stops: tuple[str, ...], shown: str, stopped: bool) -> None:
    length, is_stopped = settled(text, stops)
    assert (text[:length], is_stopped) == (shown, stopped)


@given(
    st.text("ab#", max_size=30),
    st.lists(st.text("ab#", min_size=1, max_size=4), max_size=3),
    st.data(),
)
def test_pieces_of_any_size_give_the_same_answer(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    ends = [at for at in map(text.find, stops) if at >= 0]
    whole = text[: min(ends)] if ends else text
    shown, read = "", 0
    while read < len(text):
        read += data.draw(st.integers(1, 4))
        length, stopped = settled(text[:read], stops)
        assert text[:length].startswith(shown), "nothing shown is ever taken back"
        shown = text[:length]
        if stopped:
            break
    else:
        shown = text[: settled(text, stops, complete=True).length]
    assert shown == whole
