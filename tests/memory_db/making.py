"""Deterministic pictures and vectors: what looks alike is near."""

import hashlib

import numpy as np

from memory_db import NewView, Vectors

DIM = 32


def vector(word: str, *, near: str | None = None, step: float = 0.3) -> Vectors:
    """A unit vector that belongs to a word; or one a little off the vector of another word."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
    row = np.random.default_rng(seed).normal(size=DIM).astype(np.float32)
    row /= np.linalg.norm(row)
    if near is not None:
        row = vector(near) + step * row
        row /= np.linalg.norm(row)
    return row


def image(word: str) -> bytes:
    """Bytes that stand for a photo; the memory never looks into them."""
    return b"\x89PNG photo of " + word.encode() + bytes(range(64))


def view(word: str, *, near: str | None = None, negative: bool = False) -> NewView:
    """A view of what the word says."""
    return NewView(image(word), vector(word, near=near), (1.0, 2.0, 30.5, 40.0), negative)
