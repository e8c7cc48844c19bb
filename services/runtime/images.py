"""Encoded bytes to an upright RGB image and back: the only place that opens foreign image data.

Everything the world's cameras and editors write in the three formats is accepted and made plain:
upright, sRGB, eight bits, no alpha, no metadata. What can't be made plain is refused by name.
Safe on any thread.
"""

import io
import re
import struct
import threading
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final

import numpy as np
from PIL import Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from kith.errors import InvalidInput

MAX_IMAGE_BYTES: Final = 20 * 1024 * 1024
MAX_IMAGE_PIXELS: Final = 50_000_000
MAX_REQUEST_PIXELS: Final = 200_000_000
"""Of all pictures of one request together, sixteen photos of a phone: a small file may be a picture
of any size."""
MAX_IMAGE_ASPECT: Final = 100
"""Longest side over shortest: a one-pixel line scaled to a model's input would fill the memory."""

_MAX_SCANS: Final = 100
"""Times that a progressive JPEG may go over its pixels; cameras and editors write some ten. Each
takes the time of a whole picture and may be a hundred bytes: twenty megabytes would last an
hour."""

_LARGE_BYTES: Final = 8 * 1024 * 1024
_LARGE_PIXELS: Final = 16_000_000
_large: Final = threading.RLock()
"""Held over the decoding of a picture of more bytes or pixels than that: in the making it has up to
five copies, and a few callers' at once would fill the memory of a small machine."""

_PNG_PIXELS: Final = 500_000
"""Images up to this size are stored without loss."""

_ORIENTATION_TAG: Final = 0x0112
_UPRIGHT: Final[Mapping[int, Image.Transpose]] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# What is neither a stuffed byte of a scan's data nor one of its restart marks.
_JPEG_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_JPEG_SCAN: Final = 0xDA
_JPEG_END: Final = 0xD9

# What Pillow's three decoders raise on bytes that are damaged (found by fuzzing them).
_DAMAGED: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error)

_OTHER_FORMATS: Final[Mapping[bytes, str]] = {
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"%PDF": "PDF",
    b"<svg": "SVG",
    b"<?xml": "SVG or XML",
}


# Pillow keeps pixels in blocks. One of more than 32 MiB the C library gives back to the system as
# soon as it is free; a smaller one it keeps for the thread, and large pictures fill gigabytes.
Image.core.set_block_size(64 * 1024 * 1024)  # type: ignore[attr-defined]

# Pillow tells of every oddity in a stranger's metadata; nobody here can act on it.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.TiffImagePlugin")


def decode(data: bytes, *, field: str) -> Image.Image:
    """The upright RGB image in `data` (JPEG, PNG or WebP), free of metadata.

    EXIF rotation is applied, alpha laid over white, CMYK, palette, grey and 16-bit data
    converted, an embedded colour profile converted to sRGB.

    Args:
        data: The encoded file.
        field: The request field it came in, named in the error.

    Raises:
        InvalidInput: Empty, too many bytes or pixels (read from the header, before decoding), too
            narrow, another format, animated, of too many scans, or damaged; `reason` tells which.
    """
    with _turn(large=_is_large(data)):
        image = _opened(data, field)
        with _turn(large=image.width * image.height > _LARGE_PIXELS):
            return _plain(image, field)


def pixels_of(files: Mapping[str, bytes]) -> int:
    """How many pixels the pictures of one request have, by their headers; none is decoded.

    Args:
        files: The encoded files, by the request fields they came in.

    Raises:
        InvalidInput: A file's header is none that `decode` takes; or they have more than
            `MAX_REQUEST_PIXELS` together.
    """
    pixels = 0
    for field, data in files.items():
        with _turn(large=_is_large(data)):
            width, height = _opened(data, field).size
        pixels += width * height
        if pixels > MAX_REQUEST_PIXELS:
            limit = f"{MAX_REQUEST_PIXELS // 1_000_000} megapixels"
            what = f"with the pictures before it {pixels} pixels, at most {limit} are accepted in"
            raise _refusal(
                field,
                "REQUEST_TOO_MANY_PIXELS",
                f"{what} one request; scale them down or send fewer",
            )
    return pixels


def shrink(image: Image.Image, side: int) -> Image.Image:
    """`image` with its longer side at most `side` pixels; itself where it is no larger."""
    if max(image.size) <= side:
        return image
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.BICUBIC)
    return small


def encode(image: Image.Image) -> bytes:
    """`image` as a file without metadata: PNG up to half a megapixel, else JPEG (q95, 4:4:4)."""
    buffer = io.BytesIO()
    plain = Image.new("RGB", image.size)
    plain.paste(image)
    if image.width * image.height <= _PNG_PIXELS:
        plain.save(buffer, "PNG", compress_level=1)
    else:
        plain.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def encode_for_a_hop(image: Image.Image) -> bytes:
    """The same for a way within a deployment: what would be a PNG is not compressed.

    So it takes three times the bytes, and a twentieth of the time to write and read it.
    """
    if image.width * image.height > _PNG_PIXELS:
        return encode(image)
    rows = np.zeros((image.height, 1 + 3 * image.width), np.uint8)  # each begins with its filter: 0
    rows[:, 1:] = np.asarray(image).reshape(image.height, -1)
    header = struct.pack(">IIBBBBB", image.width, image.height, 8, 2, 0, 0, 0)
    chunks = {b"IHDR": header, b"IDAT": zlib.compress(rows.tobytes(), 0), b"IEND": b""}
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks.items())


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _opened(data: bytes, field: str) -> ImageFile.ImageFile:
    """The file with its header read and checked, its pixels not decoded."""
    if not data:
        raise _refusal(field, "IMAGE_EMPTY", "zero bytes; send a JPEG, PNG or WebP file")
    if len(data) > MAX_IMAGE_BYTES:
        raise _refusal(
            field,
            "IMAGE_TOO_MANY_BYTES",
            f"{len(data)} bytes, at most {MAX_IMAGE_BYTES} are accepted; send a smaller photo",
        )
    opener = _opener(data, field)
    try:
        image = opener(io.BytesIO(data))
    except _DAMAGED as error:
        raise _damaged(field) from error
    _check_size(image.width, image.height, field)
    # An MPO file of a phone is a JPEG whose further frames the plain JPEG reader leaves alone.
    if getattr(image, "n_frames", 1) > 1:
        raise _refusal(field, "IMAGE_ANIMATED", "an animation; send one frame as a still picture")
    if "progressive" in image.info and _scans(data) > _MAX_SCANS:
        what = f"a JPEG of more than {_MAX_SCANS} scans; save it anew"
        raise _refusal(field, "IMAGE_TOO_MANY_SCANS", what)
    return image


def _turn(*, large: bool) -> AbstractContextManager[object]:
    """Large pictures wait for each other, others for nobody."""
    return _large if large else nullcontext()


def _is_large(data: bytes) -> bool:
    """Whether opening the file, before any of it is decoded, takes much memory already."""
    if len(data) > _LARGE_BYTES:
        return True
    try:
        width, height = _webp_size(data) if _is_webp(data) else (0, 0)
    except struct.error:
        return False
    return width * height > _LARGE_PIXELS


def _is_webp(data: bytes) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _plain(image: ImageFile.ImageFile, field: str) -> Image.Image:
    """The picture of a file, decoded and made plain."""
    try:
        image.load()
    except _DAMAGED as error:
        raise _damaged(field) from error
    # A fresh image carries no info dictionary: no EXIF, GPS, comment or profile goes further.
    plain = Image.new("RGB", image.size)
    plain.paste(_to_srgb(_flatten(image), image.info.get("icc_profile")))
    turn = _UPRIGHT.get(_orientation(image))
    return plain if turn is None else plain.transpose(turn)


def _opener(data: bytes, field: str) -> Callable[[io.BytesIO], ImageFile.ImageFile]:
    """The one reader for the bytes' signature, so that no other of Pillow's parsers ever runs."""
    if data.startswith(b"\xff\xd8\xff"):
        return JpegImagePlugin.JpegImageFile
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return PngImagePlugin.PngImageFile
    if _is_webp(data):
        # libwebp allocates the whole canvas on opening, so the header is read by hand first.
        try:
            width, height = _webp_size(data)
        except struct.error as error:
            raise _damaged(field) from error
        _check_size(width, height, field)
        return WebPImagePlugin.WebPImageFile
    known = next((name for magic, name in _OTHER_FORMATS.items() if data.startswith(magic)), None)
    if data[4:8] == b"ftyp":
        known = "HEIC or AVIF"
    raise _refusal(
        field,
        "IMAGE_FORMAT_UNSUPPORTED" if known else "NOT_AN_IMAGE",
        f"{known or 'not an image'}; send a JPEG, PNG or WebP file",
    )


def _scans(data: bytes) -> int:
    """How many scans a JPEG has, none of them decoded."""
    count, at = 0, 2
    while marker := _JPEG_MARKER.search(data, at):
        at, kind = marker.end(), marker[0][-1]
        if kind == _JPEG_END:
            break
        count += kind == _JPEG_SCAN
        at += int.from_bytes(data[at : at + 2], "big")
    return count


def _webp_size(data: bytes) -> tuple[int, int]:
    """Width and height of the canvas by the first chunk (WebP container specification)."""
    kind = data[12:16]
    if kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        return (low_w | high_w << 16) + 1, (low_h | high_h << 16) + 1
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _check_size(width: int, height: int, field: str) -> None:
    size = f"{width} x {height} pixels"
    if width * height > MAX_IMAGE_PIXELS:
        limit = f"{MAX_IMAGE_PIXELS // 1_000_000} megapixels"
        raise _refusal(
            field, "IMAGE_TOO_MANY_PIXELS", f"{size}, at most {limit} are accepted; scale it down"
        )
    if max(width, height) > MAX_IMAGE_ASPECT * min(width, height):
        ratio = f"{MAX_IMAGE_ASPECT}:1"
        raise _refusal(field, "IMAGE_TOO_NARROW", f"{size}, at most {ratio} is accepted; crop it")


def _flatten(image: Image.Image) -> Image.Image:
    """`image` as eight-bit L, RGB or CMYK, transparent parts over white."""
    if image.mode.startswith("I"):  # 16-bit grey; Pillow's own conversion clips instead of scaling
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        rgba = image if image.mode == "RGBA" else image.convert("RGBA")
        flat = Image.new("RGB", rgba.size, "white")
        flat.paste(rgba, mask=rgba)
        return flat
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """`image` in sRGB; a colour profile that is damaged or of another mode is ignored."""
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "sRGB" not in ImageCms.getProfileDescription(source):
                srgb = ImageCms.createProfile("sRGB")
                converted = ImageCms.profileToProfile(image, source, srgb, outputMode="RGB")
                return converted or image.convert("RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")


def _orientation(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) when the block is missing or damaged."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except _DAMAGED:
        return 1
    return value if isinstance(value, int) else 1


def _damaged(field: str) -> InvalidInput:
    return _refusal(field, "IMAGE_DAMAGED", "truncated or damaged; send the whole file")


def _refusal(field: str, reason: str, what: str) -> InvalidInput:
    return InvalidInput(f"{field}: {what}", reason=reason, field=field)
