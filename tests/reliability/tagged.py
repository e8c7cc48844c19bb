"""Photos that say where they were taken, in every place a file has for it."""

import io
import random
from typing import Final

from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from tests.reliability.nasty import file_of

MARK: Final = "kith-trace"
"""Begins a word that is in every such photo, and nowhere else."""

LATITUDE: Final = (52_123_457, 1_000_003)
"""A fraction whose bytes are in no other file."""


def exif_of(word: str) -> Image.Exif:
    """A block with a place, a camera, an owner and a comment."""
    exif = Image.Exif()
    exif[0x010E] = exif[0x010F] = exif[0x013B] = exif[0x8298] = word  # description to copyright
    exif[0x9286] = b"ASCII\0\0\0" + word.encode()
    place = exif.get_ifd(0x8825)
    place[1], place[3] = "N", "E"
    place[2] = place[4] = (IFDRational(*LATITUDE), IFDRational(7, 1), IFDRational(9, 1))
    place[27] = word.encode()
    return exif


def tagged(number: int) -> bytes:
    """A photo with the word `MARK` and its number in it, and the place of `LATITUDE`."""
    word = f"{MARK}-{number:04}"
    rng = random.Random(number)
    size = (rng.randrange(40, 120), rng.randrange(40, 120))
    picture = Image.effect_noise(size, 90).convert("RGB")
    exif, packet = exif_of(word).tobytes(), f"<x:xmpmeta gps='{word}'/>".encode()
    kind = ("JPEG", "PNG", "WebP")[number % 3]
    if kind == "PNG":
        texts = PngInfo()
        texts.add_text("Comment", word)
        texts.add_text("Description", word, zip=True)
        texts.add_itxt("XML:com.adobe.xmp", packet.decode())
        data = file_of(picture, kind, exif=exif, pnginfo=texts)
    elif kind == "JPEG":
        data = file_of(picture, kind, exif=exif, comment=word, xmp=packet)
        press = b"Photoshop 3.0\x008BIM\x04\x04\0\0" + len(word).to_bytes(4, "big") + word.encode()
        data = data[:2] + b"\xff\xed" + (len(press) + 2).to_bytes(2, "big") + press + data[2:]
    else:
        data = file_of(picture, kind, exif=exif, xmp=packet)
    return data + word.encode()


def traces(data: bytes) -> list[str]:
    """What of such a photo is found in `data`."""
    forms = {
        "word": MARK.encode(),
        "wide word": MARK.encode("utf-16-le"),
        "place": LATITUDE[0].to_bytes(4, "big") + LATITUDE[1].to_bytes(4, "big"),
        "turned place": LATITUDE[0].to_bytes(4, "little") + LATITUDE[1].to_bytes(4, "little"),
        "EXIF block": b"Exif\0\0",
        "EXIF chunk": b"eXIf",
        "EXIF of a WebP": b"EXIF",
        "XMP": b"xmpmeta",
    }
    return [name for name, form in forms.items() if form in data]


def is_bare(photo: bytes) -> bool:
    """Whether a stored file holds a picture and nothing else."""
    with Image.open(io.BytesIO(photo)) as picture:
        return set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
