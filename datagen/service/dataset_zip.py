"""A dataset as a zip file, made while it is sent: nothing is written for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from zipfile import ZipFile, ZipInfo

from kith.errors import NotFound

PIECE_BYTES: Final = 1024 * 1024

_FIRST_DAY: Final = (1980, 1, 1, 0, 0, 0)  # of the format: the same dataset is the same file


def zipped(folder: Path) -> Iterator[bytes]:
    """The files of a dataset, in order of their names, in pieces of at most `PIECE_BYTES`.

    Pictures are compressed already, so they are stored as they are.

    Raises:
        NotFound: The dataset is deleted meanwhile.
    """
    sink = _Sink()
    try:
        # A zip of ours has no hidden file: those are the work of its makers.
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        with ZipFile(sink, "w") as archive:
            for path in files:
                name = path.relative_to(folder).as_posix()
                if not any(part.startswith(".") for part in name.split("/")):
                    archive.writestr(ZipInfo(name, _FIRST_DAY), path.read_bytes())
                    yield from sink.pieces()
        yield from sink.pieces(last=True)
    except FileNotFoundError as error:
        raise NotFound("the dataset is no longer there", reason="RESOURCE_NOT_FOUND") from error


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
