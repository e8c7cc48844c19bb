"""Chats as the product asks them, with zero to four pictures each."""

import random
from itertools import product
from pathlib import Path

from PIL import Image

from services.runtime.types import Turn

STORY = Path(__file__).parents[2] / "kith" / "demo" / "story"
NAMES = ("bo", "sunny", "mia", "pip")
QUESTIONS = (
    "Please provide a caption for this image.",
    "Can you see <bo> in this photo? Answer the question using a single word Yes or No.",
    "Who is in this photo?",
    "What colour is the thing on the left?",
    "Tell me all that you know of <mia> and <pip>.",
    "Où est <sunny>? 日本 🐕",
)


def photos() -> list[Image.Image]:
    """The demo's pictures; below half a megapixel, so that they are sent without loss."""
    return [Image.open(path).convert("RGB") for path in sorted(STORY.glob("*.webp"))]


def chats() -> list[list[Turn]]:
    """Sixty chats, twelve with each number of pictures; every third has an earlier turn."""
    draw, pictures = random.Random(0), photos()
    asked = []
    for number, (count, question, again) in enumerate(product(range(5), QUESTIONS, range(2))):
        parts: list[str | Image.Image] = []
        for place, name in enumerate(NAMES[: max(0, count - 1)], start=1):
            info = f"\n Name: <{name}>, Info: <{name}> is number {draw.randrange(100)}.\n"
            parts += [f"{place}.", draw.choice(pictures), info]
        if count:
            parts = [*(["[", *parts, "]"] if parts else []), draw.choice(pictures)]
        turns = [Turn("user", (*parts, f"\n{question}"))]
        if number % 3 == 2:
            said = draw.choice(("Yes.", "<bo> is a dog.", "I don't know this one."))
            turns += [Turn("assistant", (said,)), Turn("user", (f"Sure? {again}",))]
        asked.append(turns)
    return asked
