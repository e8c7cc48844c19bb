"""What is written as a message is read as what it was."""

from services.runtime.types import Ending, FinishReason
from services.runtime.wire import read_ending, write_ending


def test_an_ending_comes_back_as_it_was() -> None:
    ending = Ending(FinishReason.LENGTH, prompt_tokens=7, completion_tokens=3, cached_tokens=5)
    assert read_ending(*write_ending(ending)) == ending
