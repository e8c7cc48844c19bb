"""Pictures made to hurt whoever opens them, each a small file, with what is to come of it."""

import io
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from PIL import Image, ImageCms

PICTURE: Final = "a picture"
"""What comes of a file that is odd and yet all right."""

LARGEST: Final = 7000
"""Side of a square picture that is just within the limit of pixels."""


def nasty(*, largest: bool = True) -> Iterator[tuple[str, bytes, str]]:
    """A name, the file, and the reason it is refused for; `PICTURE` where it is taken.

    Args:
        largest: Those too that take seconds to make or to open.
    """
    for name, make in (_MADE | _LARGEST if largest else _MADE).items():
        data, outcome = make()
        yield name, data, outcome


def file_of(picture: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(side: int, depth: int, kind: int, extra: bytes = b"", rows: int | None = None) -> bytes:
    """A black square; `kind` is PNG's colour type. It may have fewer `rows` than it says."""
    channels = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[kind]
    row = bytes(1 + side * channels * depth // 8)
    packed = zlib.compressobj(1)
    body = b"".join(packed.compress(row) for _ in range(side if rows is None else rows))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, kind, 0, 0, 0))
    data = chunk(b"IDAT", body + packed.flush())
    return b"\x89PNG\r\n\x1a\n" + header + extra + data + chunk(b"IEND", b"")


def scans(count: int, side: int = LARGEST) -> bytes:
    """A progressive JPEG that goes over the same pixels again and again."""
    whole = file_of(Image.new("L", (side, side)), "JPEG", progressive=True)
    # The last but one: its tables and itself, a hundred bytes for any number of pixels.
    tables = [match.start() for match in re.finditer(b"\xff\xc4", whole)]
    return whole[:-2] + whole[tables[-1] : -2] * count + b"\xff\xd9"


def lying_webp(side: int) -> bytes:
    """A canvas that is promised, and not there."""
    edge = struct.pack("<I", side - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + bytes(4) + edge * 2
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _jpeg() -> bytes:
    return file_of(_noise(), "JPEG")


def _noise(mode: str = "RGB", side: int = 64) -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 255, (side, side, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def _frames(kind: str) -> bytes:
    return file_of(_noise(), kind, save_all=True, append_images=[_noise(side=64).rotate(90)])


def _huge_profile() -> bytes:
    """A colour profile of a megabyte whose tables lead nowhere, in the segments of a JPEG."""
    start = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = struct.pack(">I", 1 << 20) + start[4:]
    return file_of(_noise(), "JPEG", icc_profile=profile.ljust(1 << 20, b"\xff"))


def _zipped_profile() -> bytes:
    """A colour profile that unpacks to a gigabyte."""
    packed = zlib.compressobj(9)
    body = b"".join(packed.compress(bytes(1 << 20)) for _ in range(1024)) + packed.flush()
    return png(8, 8, 2, chunk(b"iCCP", b"p\0\0" + body))


def _words(count: int) -> bytes:
    """Texts that unpack to a megabyte each."""
    return png(8, 8, 2, chunk(b"zTXt", b"t\0\0" + zlib.compress(bytes(1 << 20))) * count)


def _both(first: bytes, then: bytes) -> bytes:
    return first + then


_ZIP: Final = b"PK\x03\x04" + bytes(26) + b"x" * 200
_PAGE: Final = b"<html><script>alert(1)</script></html>"

Made = tuple[bytes, str]
_MADE: Final[dict[str, Callable[[], Made]]] = {
    "largest RGBA PNG": lambda: (png(LARGEST, 8, 6), PICTURE),
    "PNG bomb of 10^9 pixels": lambda: (png(32000, 8, 0, rows=1), "IMAGE_TOO_MANY_PIXELS"),
    "WebP bomb": lambda: (lying_webp(16383), "IMAGE_TOO_MANY_PIXELS"),
    "JPEG of a thousand scans": lambda: (scans(1000), "IMAGE_TOO_MANY_SCANS"),
    "texts that unpack to 200 MiB": lambda: (_words(200), "IMAGE_DAMAGED"),
    "huge ICC profile that leads nowhere": lambda: (_huge_profile(), PICTURE),
    "16-bit RGB PNG": lambda: (png(64, 16, 2), PICTURE),
    "CMYK JPEG": lambda: (file_of(_noise("CMYK"), "JPEG"), PICTURE),
    "one-bit PNG": lambda: (file_of(_noise("1"), "PNG"), PICTURE),
    "animated PNG": lambda: (_frames("PNG"), "IMAGE_ANIMATED"),
    "animated WebP": lambda: (_frames("WebP"), "IMAGE_ANIMATED"),
    "GIF": lambda: (file_of(_noise("P"), "GIF"), "IMAGE_FORMAT_UNSUPPORTED"),
    "TIFF": lambda: (file_of(_noise(), "TIFF"), "IMAGE_FORMAT_UNSUPPORTED"),
    "truncated PNG": lambda: (file_of(_noise(), "PNG")[:-400], "IMAGE_DAMAGED"),
    "truncated JPEG": lambda: (_jpeg()[:-400], "IMAGE_DAMAGED"),
    "truncated WebP": lambda: (file_of(_noise(), "WebP")[:-400], "IMAGE_DAMAGED"),
    "JPEG that is a ZIP too": lambda: (_both(_jpeg(), _ZIP), PICTURE),
    "ZIP that is a JPEG too": lambda: (_both(_ZIP, _jpeg()), "NOT_AN_IMAGE"),
    "PNG that is a web page too": lambda: (_both(png(8, 8, 2), _PAGE), PICTURE),
    "web page that is a PNG too": lambda: (_both(_PAGE, png(8, 8, 2)), "NOT_AN_IMAGE"),
    "line of 10,000 pixels": lambda: (
        file_of(Image.new("RGB", (10_000, 1)), "PNG"),
        "IMAGE_TOO_NARROW",
    ),
    "nothing but a signature": lambda: (b"\x89PNG\r\n\x1a\n", "IMAGE_DAMAGED"),
}
_LARGEST: Final[dict[str, Callable[[], Made]]] = {
    "largest RGB PNG": lambda: (png(LARGEST, 8, 2), PICTURE),
    "largest 16-bit RGBA PNG": lambda: (png(LARGEST, 16, 6), PICTURE),
    "largest 16-bit grey PNG": lambda: (png(LARGEST, 16, 0), PICTURE),
    "largest palette PNG, one colour clear": lambda: (
        png(LARGEST, 8, 3, chunk(b"PLTE", bytes(6)) + chunk(b"tRNS", b"\0")),
        PICTURE,
    ),
    "largest WebP": lambda: (
        file_of(Image.new("RGB", (LARGEST, LARGEST)), "WebP", method=0),
        PICTURE,
    ),
    "largest CMYK JPEG": lambda: (
        file_of(Image.new("CMYK", (LARGEST, LARGEST)), "JPEG"),
        PICTURE,
    ),
    "JPEG of a million segments": lambda: (
        _jpeg()[:2] + b"\xff\xe5\x00\x02" * 1_000_000 + _jpeg()[2:],
        PICTURE,
    ),
    "PNG of a million empty chunks": lambda: (png(8, 8, 2, chunk(b"prVt", b"") * 10**6), PICTURE),
    "profile that unpacks to a gigabyte": lambda: (_zipped_profile(), "IMAGE_DAMAGED"),
}
