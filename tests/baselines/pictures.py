"""Pictures of Playroom as a client sends them."""

import io

from PIL import Image

from datagen import playroom


def views_of(concept: playroom.Concept, count: int, first: int = 0) -> list[bytes]:
    """Portraits of a concept, each with its own pose, side and light."""
    return [_png(playroom.portrait(concept, seed)) for seed in range(first, first + count)]


def strangers(count: int) -> list[bytes]:
    """A portrait each of concepts that nobody was told of."""
    return [_png(playroom.portrait(playroom.stranger(seed), seed)) for seed in range(count)]


def _png(picture: playroom.Picture) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture.image).save(buffer, "PNG")
    return buffer.getvalue()
