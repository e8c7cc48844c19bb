"""Damaged photos without end, the same one for the same number."""

import random
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageCms

from tests.reliability.nasty import file_of, png
from tests.reliability.tagged import exif_of

_ROOT: Final = Path(__file__).parents[2]
_SIDE: Final = 96


@cache
def seeds() -> list[bytes]:
    """Good files of every format and kind that is taken."""
    rng = np.random.default_rng(7)
    noise = Image.fromarray(rng.integers(0, 255, (_SIDE // 8, _SIDE // 8, 3), np.uint8))
    plain = noise.resize((_SIDE, _SIDE))
    clear = plain.convert("RGBA")
    clear.putalpha(plain.convert("L"))
    grey = Image.fromarray(rng.integers(0, 65535, (_SIDE, _SIDE), np.uint16))
    scene = Image.open(_ROOT / "examples" / "pictures" / "both.png").convert("RGB")
    scene.thumbnail((_SIDE, _SIDE))
    exif = exif_of("seed").tobytes()
    profile = _profile()
    return [
        file_of(scene, "JPEG", quality=90, exif=exif, icc_profile=profile),
        file_of(plain, "JPEG", progressive=True, optimize=True),
        file_of(plain.convert("CMYK"), "JPEG"),
        file_of(plain.convert("L"), "JPEG", restart_marker_rows=1),
        file_of(scene, "PNG", exif=exif, icc_profile=profile),
        file_of(clear, "PNG"),
        file_of(plain.quantize(16), "PNG", transparency=3),
        file_of(grey, "PNG"),
        file_of(plain.convert("1"), "PNG"),
        png(16, 16, 6),
        file_of(scene, "WebP", exif=exif, icc_profile=profile),
        file_of(clear, "WebP", lossless=True),
        file_of(plain, "WebP", quality=30),
    ]


def mutant(number: int) -> bytes:
    """A good file with a few things done to it."""
    rng = random.Random(number)
    data = bytearray(rng.choice(seeds()))
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        rng.choice(_DAMAGES)(rng, data)
    # A check sum that is wrong hides all that is behind it.
    return _summed(data) if rng.random() < 0.7 else bytes(data)


def _summed(data: bytearray) -> bytes:
    """`data`, if it is a PNG with the check sums that its chunks should have."""
    at = 8
    while data.startswith(b"\x89PNG") and at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end + 4 <= len(data):
            data[end : end + 4] = zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")
        at = end + 4
    return bytes(data)


def _place(rng: random.Random, data: bytearray) -> int:
    """Somewhere; half of the time in the first kilobyte, where the headers are."""
    return rng.randrange(min(len(data), rng.choice((1024, len(data)))) or 1)


def _flip(rng: random.Random, data: bytearray) -> None:
    data[_place(rng, data)] ^= 1 << rng.randrange(8)


def _overwrite(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    data[at : at + 1] = bytes([rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))])


def _number(rng: random.Random, data: bytearray) -> None:
    """A size or an offset that can't be."""
    at, size = _place(rng, data), rng.choice((2, 4))
    value = rng.choice((0, 1, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) & (256**size - 1)
    data[at : at + size] = value.to_bytes(size, rng.choice(("big", "little")))


def _cut(rng: random.Random, data: bytearray) -> None:
    del data[max(16, _place(rng, data)) :]


def _drop(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    del data[at : min(at + rng.randrange(1, 64), len(data) - 1)]


def _repeat(rng: random.Random, data: bytearray) -> None:
    at = _place(rng, data)
    data[at:at] = data[at : at + rng.randrange(1, 256)]


def _splice(rng: random.Random, data: bytearray) -> None:
    """A piece of another file."""
    other = rng.choice(seeds())
    start = rng.randrange(len(other))
    at = _place(rng, data)
    data[at : at + rng.randrange(64)] = other[start : start + rng.randrange(1, 256)]


_DAMAGES: Final[tuple[Callable[[random.Random, bytearray], None], ...]] = (
    _flip,
    _flip,
    _overwrite,
    _number,
    _cut,
    _drop,
    _repeat,
    _splice,
)


def _profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
