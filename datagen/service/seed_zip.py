"""A seed set out of a stranger's zip file: bounded, checked, its photos decoded and made plain."""

import stat
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Final
from zipfile import BadZipFile, ZipFile, ZipInfo

from PIL.Image import Image

from datagen.pictures import SUFFIXES, jpeg
from datagen.seeds import INDEX
from kith.errors import InvalidInput
from kith.files import replace
from services.runtime import images
from services.runtime.jobs import writing

MAX_FILE_BYTES: Final = 512 * 1024 * 1024
"""Of the zip file."""
MAX_ENTRIES: Final = 5000
MAX_INDEX_BYTES: Final = 256 * 1024
MAX_UNPACKED_BYTES: Final = 1024 * 1024 * 1024
"""Of all its files together; each photo has `images.MAX_IMAGE_BYTES` at most besides."""
_MAX_NAME_BYTES: Final = 255
_MAX_DIRECTORY_BYTES: Final = 4 * 1024 * 1024
"""Of the list of entries, which is held in memory before the entries can be counted."""
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LOCATOR_64: Final = b"PK\x06\x07"
_LOCATOR_64_BYTES: Final = 20
_LONGEST_COMMENT: Final = 65535


def unpack(file: IO[bytes], out: Path) -> None:
    """Write the photos as JPEG under numbers, upright and without metadata, and the index.

    Args:
        file: A zip file of `concepts.yaml`, `NAME/train/*.jpg` and perhaps `NAME/test/*.jpg`.
            Folders, hidden files and what macOS adds are passed over.
        out: An empty folder.

    Raises:
        InvalidInput: It is damaged or too large, or an entry is not one of these; it is named.
        Refused: It can't be written.
    """
    _check_directory(file)
    try:
        with ZipFile(file) as archive:
            budget = _Budget(archive)
            for info, target in _targets(archive.infolist()).items():
                if target == INDEX:
                    content = budget.read(info, MAX_INDEX_BYTES)
                else:
                    photo = budget.read(info, images.MAX_IMAGE_BYTES)
                    content = jpeg(_decoded(info.filename, photo))
                with writing(target):
                    replace(out / target, content)
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _wrong("it is no whole zip file; pack it anew", "ZIP_DAMAGED") from error


class _Budget:
    """Reads entries, and counts what really comes out of them, whatever the file says of it."""

    def __init__(self, archive: ZipFile) -> None:
        self._archive = archive
        self._left = MAX_UNPACKED_BYTES

    def read(self, info: ZipInfo, limit: int) -> bytes:
        with self._archive.open(info) as entry:
            data = entry.read(limit + 1)
        if len(data) > limit:
            raise _wrong(f"{info.filename!r} has more than {limit} bytes; make it smaller")
        self._left -= len(data)
        if self._left < 0:
            raise _wrong(f"its files have more than {MAX_UNPACKED_BYTES} bytes; leave some out")
        return data


def _decoded(name: str, photo: bytes) -> Image:
    try:
        return images.decode(photo, field=name)
    except InvalidInput as error:
        raise _wrong(str(error), error.reason) from error


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a list of entries that is too long, before it is read."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_BYTES - _LONGEST_COMMENT - _LOCATOR_64_BYTES))
    tail = file.read()
    file.seek(0)
    end = len(tail) - _END_BYTES
    if not (tail.startswith(_END, max(0, end)) and tail.endswith(b"\0\0")):
        end = tail.rfind(_END)
    if end < 0 or len(tail) < end + _END_BYTES:
        raise _wrong("it is no whole zip file; pack it anew", "ZIP_DAMAGED")
    length = int.from_bytes(tail[end + 12 : end + 16], "little")
    before = tail[max(0, end - _LOCATOR_64_BYTES) : end]
    if length > _MAX_DIRECTORY_BYTES or before.startswith(_LOCATOR_64):
        raise _wrong(f"it has more than {MAX_ENTRIES} entries; leave some out")


def _targets(entries: Sequence[ZipInfo]) -> Mapping[ZipInfo, str]:
    """Where each entry goes to: photos under numbers, in the order of their names."""
    if len(entries) > MAX_ENTRIES:
        raise _wrong(f"it has more than {MAX_ENTRIES} entries; leave some out")
    taken: set[str] = set()
    numbers: defaultdict[str, int] = defaultdict(int)
    targets = {}
    for info in sorted(entries, key=lambda info: info.filename):
        if info.filename in taken:
            raise _wrong(f"{info.filename!r} stands in it twice; take one out")
        taken.add(info.filename)
        if (folder := _folder(info)) is None:
            continue
        numbers[folder] += 1
        targets[info] = f"{folder}/{numbers[folder]:04d}.jpg" if folder else INDEX
    return targets


def _folder(info: ZipInfo) -> str | None:
    """`NAME/train` or `NAME/test` for a photo, empty for the index, None for what is passed over.

    Raises:
        InvalidInput: It is none of these.
    """
    parts = info.filename.split("/")
    if ".." in parts or not parts[0] or "\\" in info.filename:
        raise _wrong(f"{info.filename!r} leads out of it; pack the folder itself", "ZIP_UNSAFE")
    if info.flag_bits & 1 or stat.S_ISLNK(info.external_attr >> 16):
        raise _wrong(f"{info.filename!r} is a link or encrypted; pack plain files", "ZIP_UNSAFE")
    if info.is_dir() or parts[0] == "__MACOSX" or any(part.startswith(".") for part in parts):
        return None
    if parts == [INDEX]:
        return ""
    match parts:
        case [name, "train" | "test" as part, picture] if (
            picture.lower().endswith(SUFFIXES) and len(name.encode()) <= _MAX_NAME_BYTES
        ):
            return f"{name}/{part}"
    raise _wrong(
        f"{info.filename[:200]!r} is neither {INDEX} nor NAME/train/*.jpg nor NAME/test/*.jpg; "
        "take it out"
    )


def _wrong(what: str, reason: str = "ZIP_INVALID") -> InvalidInput:
    return InvalidInput(f"chunk: {what}", reason=reason, field="chunk")
