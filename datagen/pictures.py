"""Picture files: found, opened upright, encoded."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from kith.errors import InvalidInput

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
"""What a picture's file name ends with, in small letters."""


def pictures_in(folder: Path, field: str) -> list[Path]:
    """Every picture under `folder`, in the order of their paths; hidden ones are left out.

    Args:
        folder: Searched with all folders in it.
        field: What the caller calls it, for the error.

    Raises:
        InvalidInput: There is no such folder, or no picture in it.
    """
    check_folder(folder, field)
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in SUFFIXES
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.is_file()
    )
    check_any(found, folder, field)
    return found


def check_folder(folder: Path, field: str) -> None:
    """Refuse what is no folder.

    Raises:
        InvalidInput: It is none.
    """
    if not folder.is_dir():
        raise InvalidInput(
            f"{field}: {folder} is no folder; name one with pictures",
            reason="FOLDER_MISSING",
            field=field,
        )


def check_any(found: Sequence[Path], folder: Path, field: str) -> None:
    """Refuse a folder in which no picture was found.

    Raises:
        InvalidInput: None was.
    """
    if not found:
        raise InvalidInput(
            f"{field}: {folder} holds no picture ({', '.join(SUFFIXES)}); name one that does",
            reason="FOLDER_EMPTY",
            field=field,
        )


def open_picture(path: Path, field: str) -> Image.Image:
    """The picture as RGB, turned upright, without the metadata of its file.

    Args:
        path: A JPEG, PNG or WebP file.
        field: What the caller calls it, for the error.

    Raises:
        InvalidInput: It can't be read, is no whole picture, or has too many pixels.
    """
    try:
        with Image.open(path, formats=("JPEG", "PNG", "WEBP")) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InvalidInput(
            f"{field}: can't read {path}: {_why(error)}; mend it or take it out",
            reason="PICTURE_UNREADABLE",
            field=field,
        ) from error
    plain = Image.new("RGB", upright.size)
    plain.paste(upright)
    return plain


def _why(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError):
        return str(error).partition(",")[0]  # Pillow says how many pixels it has, and may have
    return getattr(error, "strerror", None) or "it is no whole JPEG, PNG or WebP picture"


def jpeg(picture: Image.Image) -> bytes:
    """The picture as a JPEG file that looks like it: quality 95, colours at full size."""
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=95, subsampling=0)
    return buffer.getvalue()


def png(mask: NDArray[np.bool_]) -> bytes:
    """A mask [height, width] as a PNG file: 255 where it is true, 0 elsewhere."""
    buffer = io.BytesIO()
    Image.fromarray(mask.astype(np.uint8) * 255).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
