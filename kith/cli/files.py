"""The files of a command line: those it writes, and the photos that a server refuses."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from kith.errors import InvalidInput

_PICTURES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@contextmanager
def replacing(target: Path, field: str, *, folders: bool = False) -> Iterator[BinaryIO]:
    """A file that takes the place of `target` when the block ends well, and else is gone.

    It is opened before anything is done for its sake, so that a bad name is told at once.

    Args:
        target: Where it shall lie.
        field: What the command line calls it.
        folders: Make the folders it lies in.

    Raises:
        InvalidInput: It can't be written.
    """
    if not target.name or target.is_dir():
        raise _unwritable(target, field, "it is a folder")
    part = target.with_name(f"{target.name}.part")
    try:
        if folders:
            target.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as error:
        raise _unwritable(target, field, error.strerror or str(error)) from error
    finally:
        with suppress(OSError):  # never made, or made under its final name
            part.unlink()


@contextmanager
def naming(images: Sequence[Path], negatives: Sequence[Path] = ()) -> Iterator[None]:
    """Put the file before the message where one of the pictures that were sent is refused.

    Args:
        images: Those that a request is about.
        negatives: Those beside them that do not show it.

    Raises:
        InvalidInput: It is.
    """
    try:
        yield
    except InvalidInput as error:
        file = _refused(error.field or "", images, negatives)
        # What is found wrong before it is sent names its file itself.
        if file is None or any(f" {one}" in str(error) for one in (*images, *negatives)):
            raise
        raise InvalidInput(f"{file}: {error}", reason=error.reason, field=error.field) from error


def pictures_in(folder: Path, field: str) -> list[Path]:
    """The pictures in a folder and in those below it, in order.

    Raises:
        InvalidInput: There is none.
    """
    found = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _PICTURES)
    if not found:
        raise InvalidInput(
            f"{field}: there is no JPEG, PNG or WebP file in {folder}; name another folder",
            reason="FOLDER_EMPTY",
            field=field,
        )
    return found


def _refused(field: str, images: Sequence[Path], negatives: Sequence[Path]) -> Path | None:
    """Which file a field of a request is about: the server knows them by number."""
    if numbered := re.match(r"(images|views|negatives)\[(\d+)\]", field):
        files = negatives if numbered[1] == "negatives" else images
        return files[int(numbered[2])] if int(numbered[2]) < len(files) else None
    return images[0] if len(images) == 1 and re.search(r"\b(?:image|photo)\b", field) else None


def _unwritable(target: Path, field: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{field}: can't write {target}: {why}; name another file",
        reason="FILE_UNWRITABLE",
        field=field,
    )
