"""Zip files of seeds, good and hostile."""

import io
import zipfile
from typing import Any

from PIL import Image

INDEX = b"bo: {category: pet, noun: dog}\nmug: {category: object}\n"


def photo(color: int = 0, size: tuple[int, int] = (24, 16)) -> bytes:
    """A PNG file with a text in it."""
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_text("Comment", "at home in Brno")
    buffer = io.BytesIO()
    Image.new("RGB", size, (color, 90, 30)).save(buffer, "PNG", pnginfo=told)
    return buffer.getvalue()


def zip_of(*entries: tuple[Any, bytes]) -> bytes:
    """A zip file of names, or of `ZipInfo`s, and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def seed_zip(*further: tuple[Any, bytes]) -> bytes:
    """Two concepts with three photos; and what else is given."""
    return zip_of(
        ("concepts.yaml", INDEX),
        ("bo/train/walk.png", photo(1)),
        ("bo/train/beach.png", photo(2)),
        ("bo/test/sofa.PNG", photo(3)),
        ("mug/train/a.png", photo(4)),
        *further,
    )
