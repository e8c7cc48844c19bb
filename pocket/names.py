"""Names for concepts in training conversations: made of syllables, never from a word list."""

import numpy as np

ONSETS = ("", *"bcdfghjklmnprstvwz", "bl", "br", "ch", "sh")
VOWELS = ("a", "e", "i", "o", "u", "ai", "ee", "oo", "y")
ENDS = ("", "", "", "n", "r", "x", "l", "s", "t")


def draw_name(rng: np.random.Generator) -> str:
    """One to three syllables, now and then a capital, a hyphen or a number: bo, Mika, cat-2."""
    syllables = [
        str(rng.choice(ONSETS)) + str(rng.choice(VOWELS)) + str(rng.choice(ENDS))
        for _ in range(int(rng.choice([1, 2, 3], p=[0.35, 0.5, 0.15])))
    ]
    name = ("-" if rng.random() < 0.08 else "").join(syllables)
    if rng.random() < 0.15:
        name = name.capitalize()
    return f"{name}{rng.integers(1, 100)}" if rng.random() < 0.08 else name
