"""Whatever a camera or an editor writes becomes a plain upright picture, or is refused by name."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from kith.errors import InvalidInput
from services.runtime import images
from services.runtime.images import decode, encode, encode_for_a_hop, pixels_of, shrink

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def half_and_half(size: tuple[int, int] = (40, 20)) -> Image.Image:
    """Red on the left, green on the right."""
    picture = Image.new("RGB", size, RED)
    picture.paste(GREEN, (size[0] // 2, 0, *size))
    return picture


def file_of(picture: Image.Image, kind: str, **options: Any) -> bytes:  # noqa: ANN401
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def huge_png(width: int, height: int) -> bytes:
    """A header that promises a huge picture; there is no pixel in it."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", b"")


def huge_webp(width: int, height: int) -> bytes:
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    body = b"WEBPVP8X" + struct.pack("<I", 10) + b"\x00\x00\x00\x00" + size
    return b"RIFF" + struct.pack("<I", len(body)) + body


def near(pixel: Any, colour: tuple[int, int, int], by: int = 12) -> bool:  # noqa: ANN401
    return all(abs(a - b) <= by for a, b in zip(pixel, colour, strict=True))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
def test_the_three_formats_are_read(kind: str) -> None:
    options = {} if kind == "PNG" else {"quality": 95}
    picture = decode(file_of(half_and_half(), kind, **options), field="image")
    assert (picture.mode, picture.size) == ("RGB", (40, 20))
    assert near(picture.getpixel((5, 10)), RED)
    assert near(picture.getpixel((35, 10)), GREEN)


@pytest.mark.parametrize("lossless", [True, False])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_every_kind_of_webp_header_is_understood(lossless: bool, mode: str) -> None:
    data = file_of(half_and_half((43, 21)).convert(mode), "WebP", lossless=lossless)
    assert decode(data, field="image").size == (43, 21)


# The upright picture is red on the left and green on the right, 40 x 20.
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
def test_a_picture_is_turned_upright_by_its_exif(orientation: int, kind: str) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    upright = half_and_half()
    stored = upright.transpose(undo[orientation]) if orientation in undo else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(file_of(stored, kind, exif=exif.tobytes(), quality=95), field="image")
    assert picture.size == (40, 20)
    assert near(picture.getpixel((5, 10)), RED)
    assert near(picture.getpixel((35, 10)), GREEN)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # pytest undoes the module's own filter
def test_a_damaged_exif_block_does_not_matter() -> None:
    data = file_of(half_and_half(), "JPEG", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\xff\xff\x01")
    assert decode(data, field="image").size == (40, 20)


def test_a_jpeg_that_goes_over_its_pixels_for_an_hour_is_refused() -> None:
    # A scan may have a hundred bytes, and takes the time of a whole picture.
    data = file_of(half_and_half((400, 200)), "JPEG", progressive=True)
    tables = data.rindex(b"\xff\xc4")
    assert decode(data[:-2] + data[tables:-2] * 80 + data[-2:], field="image").size == (400, 200)
    with pytest.raises(InvalidInput, match="scans") as caught:
        decode(data[:-2] + data[tables:-2] * 100_000 + data[-2:], field="image")
    assert caught.value.reason == "IMAGE_TOO_MANY_SCANS"


def test_what_follows_a_jpeg_and_what_its_metadata_holds_are_no_scans() -> None:
    looks_like_it = b"\xff\xda" * 1000
    picture = half_and_half()
    data = file_of(picture, "JPEG", progressive=True, comment=looks_like_it)
    assert decode(data + looks_like_it, field="image").size == picture.size


def test_large_pictures_are_decoded_one_at_a_time() -> None:
    # Four of these at once once took a gateway three gigabytes.
    data = file_of(Image.new("RGBA", (7000, 2500)), "PNG", compress_level=1)
    with ThreadPoolExecutor(1) as thread, images._large:
        large = thread.submit(decode, data, field="image")
        assert decode(file_of(half_and_half(), "PNG"), field="image").size == (40, 20)
        assert wait([large], timeout=1).not_done
    assert large.result().size == (7000, 2500)


def test_what_large_pictures_took_is_given_back() -> None:
    # Found by tests/reliability/test_images.py: eight of them left three gigabytes behind. In a
    # process of its own, since what other tests leave running grows meanwhile.
    subprocess.run([sys.executable, "-c", DECODES_LARGE], check=True)


DECODES_LARGE = """
import io, resource, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from PIL import Image
from services.runtime.images import decode

def resident_mib():
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20

file = io.BytesIO()
Image.new("RGBA", (7000, 7000)).save(file, "PNG", compress_level=1)
data = file.getvalue()
threads = ThreadPoolExecutor(4)  # that of a server lives on, and its memory with it
before = resident_mib()
list(threads.map(lambda _: decode(data, field="image").size, range(4)))
time.sleep(1)  # the system's count of pages lags behind
kept = resident_mib() - before
sys.exit(f"{kept:.0f} MiB are left" if kept > 100 else 0)  # one such picture has two hundred
"""


def test_transparent_parts_are_laid_over_white() -> None:
    picture = Image.new("RGBA", (4, 1), (255, 0, 0, 255))
    picture.putpixel((1, 0), (255, 0, 0, 0))
    picture.putpixel((2, 0), (0, 0, 0, 128))
    out = decode(file_of(picture, "PNG"), field="image")
    assert out.getpixel((0, 0)) == RED
    assert out.getpixel((1, 0)) == WHITE
    assert near(out.getpixel((2, 0)), (127, 127, 127), 1)


def test_a_palette_with_a_transparent_colour_is_laid_over_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([*RED, *GREEN])
    picture.putpixel((1, 0), 1)
    out = decode(file_of(picture, "PNG", transparency=1), field="image")
    assert [out.getpixel((x, 0)) for x in (0, 1)] == [RED, WHITE]
    assert decode(file_of(picture, "PNG"), field="image").getpixel((1, 0)) == GREEN


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P"])
def test_pictures_of_fewer_colours_are_read(mode: str) -> None:
    out = decode(file_of(Image.new(mode, (3, 3), 1 if mode == "1" else None), "PNG"), field="image")
    assert out.mode == "RGB"


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.array([[0, 0x4000, 0x8000, 0xFFFF]], np.uint16)
    out = decode(file_of(Image.fromarray(ramp), "PNG"), field="image")
    assert np.asarray(out)[0, :, 0].tolist() == [0, 64, 128, 255]


def test_cmyk_becomes_rgb() -> None:
    ink = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    out = decode(file_of(ink, "JPEG", quality=95), field="image")
    assert near(out.getpixel((4, 4)), RED, 20)


def test_a_colour_profile_is_converted_and_a_damaged_one_ignored() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    for profile in (lab, b"no profile at all"):
        out = decode(file_of(half_and_half(), "PNG", icc_profile=profile), field="image")
        assert out.getpixel((5, 10)) == RED


def test_a_wide_gamut_is_brought_into_srgb() -> None:
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    name = profile.find("sRGB".encode("utf-16-be"))
    profile[name : name + 8] = "wide".encode("utf-16-be")
    red, green = profile.find(b"rXYZ"), profile.find(b"gXYZ")  # their entries in the tag table
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    out = decode(file_of(half_and_half(), "PNG", icc_profile=bytes(profile)), field="image")
    assert near(out.getpixel((5, 10)), GREEN), "the profile calls the first channel green"


def test_nothing_but_pixels_goes_further() -> None:
    exif = Image.Exif()
    exif[0x010F] = "a camera"
    data = file_of(half_and_half(), "JPEG", exif=exif.tobytes(), comment=b"from the holidays")
    picture = decode(data, field="image")
    assert picture.info == {}
    assert type(picture) is Image.Image
    assert not picture.getexif()
    picture.info["icc_profile"] = b"sneaked in later"
    again = Image.open(io.BytesIO(encode(picture)))
    assert "icc_profile" not in again.info


def test_the_second_picture_of_a_phones_mpo_file_is_left_alone() -> None:
    data = file_of(half_and_half(), "MPO", save_all=True, append_images=[half_and_half()])
    assert decode(data, field="image").size == (40, 20)


def animation(kind: str) -> bytes:
    frames = [Image.new("RGB", (9, 9), colour) for colour in (RED, GREEN)]
    return file_of(frames[0], kind, save_all=True, append_images=frames[1:])


PNG = file_of(half_and_half(), "PNG")
JPEG = file_of(half_and_half((200, 200)), "JPEG")
WEBP = file_of(half_and_half((200, 200)), "WebP")


@pytest.mark.parametrize(
    ("data", "reason", "says"),
    [
        (b"", "IMAGE_EMPTY", "zero bytes"),
        (b"hello", "NOT_AN_IMAGE", "JPEG, PNG or WebP"),
        (b"\x00" * 1000, "NOT_AN_IMAGE", "JPEG, PNG or WebP"),
        (animation("GIF"), "IMAGE_FORMAT_UNSUPPORTED", "GIF"),
        (file_of(half_and_half(), "BMP"), "IMAGE_FORMAT_UNSUPPORTED", "BMP"),
        (file_of(half_and_half(), "TIFF"), "IMAGE_FORMAT_UNSUPPORTED", "TIFF"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40, "IMAGE_FORMAT_UNSUPPORTED", "HEIC"),
        (b"%PDF-1.7", "IMAGE_FORMAT_UNSUPPORTED", "PDF"),
        (animation("PNG"), "IMAGE_ANIMATED", "one frame"),
        (animation("WebP"), "IMAGE_ANIMATED", "one frame"),
        (PNG[: len(PNG) // 2], "IMAGE_DAMAGED", "whole file"),
        (JPEG[: len(JPEG) // 2], "IMAGE_DAMAGED", "whole file"),
        (WEBP[: len(WEBP) // 2], "IMAGE_DAMAGED", "whole file"),
        (PNG[:8], "IMAGE_DAMAGED", "whole file"),
        (JPEG[:3], "IMAGE_DAMAGED", "whole file"),
        (WEBP[:14], "IMAGE_DAMAGED", "whole file"),
        (JPEG + b"\x00" * images.MAX_IMAGE_BYTES, "IMAGE_TOO_MANY_BYTES", "smaller"),
        (huge_png(20_000, 20_000), "IMAGE_TOO_MANY_PIXELS", "20000 x 20000"),
        (huge_png(9_000, 9_000), "IMAGE_TOO_MANY_PIXELS", "50 megapixels"),
        (huge_webp(16_000, 16_000), "IMAGE_TOO_MANY_PIXELS", "16000 x 16000"),
        (huge_png(9_000, 1), "IMAGE_TOO_NARROW", "crop"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(data: bytes, reason: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        decode(data, field="views[0].image")
    assert refusal.value.reason == reason
    assert refusal.value.field == "views[0].image"
    assert str(refusal.value).startswith("views[0].image: ")
    assert says in str(refusal.value)


@pytest.mark.parametrize("encode", [encode, encode_for_a_hop])
@pytest.mark.parametrize(
    ("size", "kind"), [((700, 700), "PNG"), ((3, 200), "PNG"), ((720, 720), "JPEG")]
)
def test_small_pictures_are_written_without_loss_and_large_ones_nearly(
    size: tuple[int, int], kind: str, encode: Callable[[Image.Image], bytes]
) -> None:
    rng = np.random.default_rng(1)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 12, 3), np.uint8))
    picture = coarse.resize(size, Image.Resampling.BICUBIC)
    data = encode(picture)
    assert Image.open(io.BytesIO(data)).format == kind
    error = np.abs(np.asarray(decode(data, field="x"), int) - np.asarray(picture, int))
    assert error.max() == 0 if kind == "PNG" else error.mean() < 2


def test_what_is_written_for_a_hop_carries_nothing_but_pixels() -> None:
    picture = half_and_half()
    picture.info["icc_profile"] = b"sneaked in"
    again = Image.open(io.BytesIO(encode_for_a_hop(picture)))
    again.load()
    assert again.info == {}


def damage(data: bytes, at: int, value: int, cut: int) -> bytes:
    broken = bytearray(data)
    broken[at % len(data)] ^= value
    return bytes(broken[: len(data) - cut % 50])


FILES: list[Callable[[], bytes]] = [lambda: PNG, lambda: JPEG, lambda: WEBP]


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@settings(max_examples=300, deadline=None)
@given(st.sampled_from(FILES), st.integers(0, 5000), st.integers(1, 255), st.integers(0, 5000))
def test_damaged_files_are_read_or_refused_and_never_crash(
    file: Callable[[], bytes], at: int, value: int, cut: int
) -> None:
    try:
        picture = decode(damage(file(), at, value, cut), field="image")
    except InvalidInput:
        return
    assert picture.mode == "RGB"


def test_pictures_that_are_too_large_together_are_refused_before_one_is_decoded() -> None:
    files = {f"images[{n}]": huge_png(7000, 7000) for n in range(5)}
    with pytest.raises(InvalidInput) as refused:
        pixels_of(files)
    assert (refused.value.reason, refused.value.field) == ("REQUEST_TOO_MANY_PIXELS", "images[4]")
    assert pixels_of(dict(list(files.items())[:2])) == 2 * 7000 * 7000  # there is no pixel in it


def test_a_picture_is_shrunk_to_a_side_and_never_enlarged() -> None:
    picture = half_and_half((40, 20))
    assert shrink(picture, 40) is picture
    assert shrink(picture, 10).size == (10, 5)
