"""What a training learns from."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from PIL import Image


@dataclass(frozen=True)
class Example:
    """A picture of a concept."""

    image: Image.Image
    """RGB, upright."""
    caption: str = ""
    """What is to be seen; the concept stands in it by its name in angle brackets."""
    mask: Image.Image | None = None
    """Mode L, of the picture's size: white where the concept is."""


@dataclass(frozen=True)
class Subject:
    """A concept that is trained."""

    id: str
    name: str
    """Without angle brackets."""
    category: str
    examples: tuple[Example, ...]


@dataclass(frozen=True)
class Material:
    """All pictures of a training."""

    subjects: tuple[Subject, ...]
    """One concept, or several that are trained together."""
    hard: tuple[Image.Image, ...] = ()
    """Pictures without any of them that look like one."""
    soft: tuple[Image.Image, ...] = ()
    """Any other pictures without them."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 over names and pixels, in hexadecimal: the same data gives the same."""
        digest = hashlib.sha256()
        for subject in self.subjects:
            digest.update(f"{subject.name}\0{subject.category}\0".encode())
            for example in subject.examples:
                digest.update(example.caption.encode())
                _add(digest, filter(None, (example.image, example.mask)))
        _add(digest, self.hard)
        _add(digest, self.soft)
        return digest.hexdigest()


def _add(digest: "hashlib._Hash", images: Iterable[Image.Image]) -> None:
    for image in images:
        digest.update(f"{image.mode}{image.size}".encode())
        digest.update(image.tobytes())
