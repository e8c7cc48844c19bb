"""A folder as a zip file, made while it is sent: nothing is written for it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from kith.errors import NotFound

PIECE_BYTES: Final = 1024 * 1024

_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # of the format: the same folder is the same file
_PACKED: Final = {".jpg", ".jpeg", ".png", ".webp", ".parquet", ".zip"}
"""Files that are compressed already."""


def zipped(folder: Path, hidden: Iterable[bytes] = ()) -> Iterator[bytes]:
    """The files of a folder, in order of their names, in pieces of at most `PIECE_BYTES`.

    Hidden files are left out: they are the work of whoever makes the folder.

    Args:
        folder: What to pack.
        hidden: What is left out of every file, such as the paths of a server's folders.

    Raises:
        NotFound: The folder is deleted meanwhile.
    """
    sink = _Sink()
    try:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        with ZipFile(sink, "w") as archive:
            for path in files:
                name = path.relative_to(folder).as_posix()
                if not any(part.startswith(".") for part in name.split("/")):
                    form = ZIP_STORED if path.suffix in _PACKED else ZIP_DEFLATED
                    content = path.read_bytes()
                    for secret in hidden:
                        content = content.replace(secret, b"")
                    archive.writestr(ZipInfo(name, _FIRST_DAY), content, form)
                    yield from sink.pieces()
        yield from sink.pieces(last=True)
    except FileNotFoundError as error:
        raise NotFound("it is no longer there", reason="RESOURCE_NOT_FOUND") from error


class _Sink:
    """What a zip file is written to: it keeps what was not yet taken."""

    def __init__(self) -> None:
        self._kept = bytearray()

    def write(self, data: bytes, /) -> int:
        self._kept += data
        return len(data)

    def flush(self) -> None:
        """Nothing waits anywhere else."""

    def close(self) -> None:
        """Nothing is open."""

    def pieces(self, *, last: bool = False) -> Iterator[bytes]:
        while len(self._kept) >= PIECE_BYTES or (last and self._kept):
            yield bytes(self._kept[:PIECE_BYTES])
            del self._kept[:PIECE_BYTES]
