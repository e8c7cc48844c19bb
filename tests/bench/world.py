"""What all benchmarks look at, and the models that they look with."""

import os
from pathlib import Path
from typing import Final

from PIL.Image import Image

from services.runtime import images
from services.runtime.profile import Profile

STORY: Final = Path(__file__).parents[2] / "kith" / "demo" / "story"
CATEGORIES: Final = {
    "bo": "dog",
    "sunny": "teapot",
    "mia": "cat",
    "pip": "plush toy",
    "rocket": "toy car",
}

# Read at once: tests run without the user's settings.
WEIGHTS: Final = os.environ.get("KITH_BENCH_WEIGHTS")
"""The folder of the full-size models, where those are measured and not the pocket ones."""


def profile() -> Profile:
    """The models that are measured."""
    return Profile.load("full", Path(WEIGHTS)) if WEIGHTS else Profile.load("pocket")


def photo() -> Image:
    """256 px, with two of the five concepts."""
    return images.decode(PHOTO, field="photo")


PHOTO: Final = (STORY / "scene-3.webp").read_bytes()
