"""The conversations of Yo'LLaVA's and MC-LLaVA's training, from templates of our own wording."""

import random
from typing import Final

ASKED: Final = (
    "Can you see {} in this photo?",
    "Is {} in this photo?",
    "Is {} here?",
    "Do you see {} in the picture?",
    "Is {} in this image?",
    "Can you tell me if {} is in this photo?",
    "Can you check if this photo has {} in it?",
    "Does this photo show {}?",
    "Could you look whether {} is in the picture?",
    "Is that {} in this image?",
    "Can you find {} in this photo?",
    "Please tell me: is {} in the photo?",
    "Can you see {} in this photo? Answer the question using a single word Yes or No.",
    "Is {} in this image? Answer with a single word or phrase.",
)
YES: Final = (
    "Yes, {} is in this photo.",
    "Yes, I can see {}.",
    "Yes, this photo shows {}.",
    "Yes, I can confirm that {} is in the photo.",
    "Yes, {} is here.",
    "Yes.",
)
NO: Final = (
    "No, {} is not in this photo.",
    "No, I don't see {} here.",
    "No, this photo does not show {}.",
    "No, I have looked at the photo, and {} is not in it.",
    "No, {} is not here.",
    "No.",
)
SHORT: Final = "single word"
"""Questions that ask for one get one."""

LOOKS: Final = (
    "What kind of thing is {}?",
    "What color is {}?",
    "What is the second color of {}?",
    "What pattern does {} have?",
    "What is the shape of {}?",
    "What is {} made of?",
    "What accessory does {} have?",
    "How large is {}?",
    "What is special about {}?",
    "Describe {}.",
)
"""What the base model is asked of a concept's picture, about "the dog", for text-only training."""


def recognition(rng: random.Random, name: str, *, present: bool) -> tuple[str, str]:
    """A question whether a photo shows `name`, and its answer."""
    question = rng.choice(ASKED)
    if SHORT in question:
        answer = "Yes" if present else "No"
    else:
        answer = rng.choice(YES if present else NO).format(name)
    return question.format(name), answer
