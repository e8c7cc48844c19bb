"""The verbs that take a memory in and give it out as a file."""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, Final

from kith import replies
from kith.errors import InvalidInput
from kith.messages import Imported, MemoryFormat
from kith.v1 import transfer_pb2
from kith.verbs.calls import PARENT, Call, Stream, Verb

FORMATS: Final[Mapping[MemoryFormat, transfer_pb2.MemoryFormat.ValueType]] = {
    "kith": transfer_pb2.MEMORY_FORMAT_KITH_ARCHIVE,
    "rap": transfer_pb2.MEMORY_FORMAT_RAP_FOLDER,
}
_CHUNK_BYTES: Final = 1024 * 1024
_DATABASE: Final = "database.json"


def import_memory(source: str | os.PathLike[str]) -> Verb[Imported]:
    """Take in a memory: a file of `export_memory`, or RAP's folder with its `database.json`.

    Raises:
        InvalidInput: It can't be read, or is neither.
    """
    path = Path(source)
    try:
        with _packed(path) as file:
            form: MemoryFormat = "rap" if zipfile.is_zipfile(file) else "kith"
            file.seek(0)
            call = Call("ImportMemory", _requests(file, form), patient=True)
            return replies.imported((yield call))
    except OSError as error:
        raise InvalidInput(
            f"memory: can't read {path}: {error.strerror or error}; name an archive or a RAP "
            "folder",
            reason="FILE_UNREADABLE",
            field="memory",
        ) from error


def export_memory(*, form: MemoryFormat = "kith") -> Stream[bytes]:
    """Give out the whole memory as a file, in pieces.

    Args:
        form: "kith" for Kith's own archive (tar), "rap" for a zip of RAP's folder.
    """
    request = transfer_pb2.ExportMemoryRequest(parent=PARENT, format=FORMATS[form])
    return Stream(Call("ExportMemory", request, patient=True), _chunk)


def _chunk(message: transfer_pb2.ExportMemoryResponse) -> bytes:
    return message.chunk


@contextmanager
def _packed(path: Path) -> Iterator[IO[bytes]]:
    """The file, or a zip of the folder."""
    if not path.is_dir():
        with path.open("rb") as file:
            yield file
        return
    root = path.resolve()
    if not _lies_in(root, PurePosixPath(_DATABASE)):
        raise InvalidInput(
            f"memory: {path} holds no database.json; name a RAP folder or an archive",
            reason="RAP_FOLDER_INVALID",
            field="memory",
        )
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w") as archive:  # stored: photos are compressed already
            for part in (_DATABASE, *_images(root)):
                archive.write(root / part, Path(root.name, part))
        yield packed


def _images(root: Path) -> list[str]:
    """Where the images that a RAP folder's database names lie in it; nothing else is sent.

    A database that can't be understood names none: the server says what is wrong with it.
    """
    try:
        entries = json.loads((root / _DATABASE).read_bytes())["concept_dict"].values()
        named = {entry["image"] for entry in entries if isinstance(entry.get("image"), str)}
    except (ValueError, LookupError, TypeError, AttributeError):
        return []
    found = set()
    for path in map(PurePosixPath, named):
        # From the folder, or from the one above it, whose name may have changed since.
        for candidate in (path, PurePosixPath(*path.parts[1:])):
            if _lies_in(root, candidate):
                found.add(str(candidate))
                break
    return sorted(found)


def _lies_in(root: Path, path: PurePosixPath) -> bool:
    """Whether there is such a file; a link must not lead out, to what nobody meant to send."""
    if path.is_absolute() or ".." in path.parts or "\0" in str(path):
        return False
    file = (root / path).resolve()
    return file.is_relative_to(root) and file.is_file()


def _requests(file: IO[bytes], form: MemoryFormat) -> Iterator[transfer_pb2.ImportMemoryRequest]:
    header = transfer_pb2.ImportMemoryHeader(parent=PARENT, format=FORMATS[form])
    yield transfer_pb2.ImportMemoryRequest(header=header)
    while chunk := file.read(_CHUNK_BYTES):
        yield transfer_pb2.ImportMemoryRequest(chunk=chunk)
