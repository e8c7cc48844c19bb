"""Phrases found in prompts, with CLIP's own tokenizer."""

import pytest
from transformers import CLIPTokenizer

from datagen.msdiffusion.phrases import phrase_spans


@pytest.mark.parametrize(
    ("phrases", "prompt", "words"),
    [
        (["dog"], "best quality, a dog on the beach", ["dog"]),
        (["teddy bear", "cat"], "A cat, beside its teddy bear.", ["teddy bear", "cat"]),
        (["dog", "dog"], "a hot-dog stand, a dog and another dog!", ["dog", "dog"]),
        (["grey sloth plushie"], "a grey sloth plushie: sleeping", ["grey sloth plushie"]),
        (["Dog"], "a dog", ["dog"]),
    ],
)
def test_the_tokens_of_a_phrase_are_those_between_which_it_stands(
    tokenizer: CLIPTokenizer, phrases: list[str], prompt: str, words: list[str]
) -> None:
    ids = tokenizer(prompt, padding="max_length").input_ids
    spans = phrase_spans(tokenizer, phrases, prompt)
    found = [tokenizer.decode(ids[span.start : span.end]).strip() for span in spans if span]
    assert found == words


def test_the_second_of_two_equal_phrases_is_the_second_in_the_prompt(
    tokenizer: CLIPTokenizer,
) -> None:
    spans = phrase_spans(tokenizer, ["dog", "dog", "dog"], "a dog and a dog")
    assert spans == ((2, 3), (5, 6), None)


def test_a_phrase_that_is_not_there_or_beyond_what_is_read_has_no_tokens(
    tokenizer: CLIPTokenizer,
) -> None:
    assert phrase_spans(tokenizer, ["cat"], "a catalogue of dogs") == (None,)
    assert phrase_spans(tokenizer, ["cat"], "very " * 74 + "cat") == ((75, 76),)
    assert phrase_spans(tokenizer, ["cat"], "very " * 75 + "cat") == (None,)
