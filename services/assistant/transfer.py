"""A memory in and out as a file: Kith's archive, or a zip of RAP's `database.json` folder."""

import asyncio
import io
import tempfile
from collections.abc import AsyncGenerator, AsyncIterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from enum import Enum
from typing import IO, Any, Final, NamedTuple

from kith.errors import AlreadyExists, InvalidInput, KithError, NotFound, Overloaded, Refused
from memory_db import Concept, ConceptStore, NewView
from memory_db.archive import ArchivedConcept, ArchivedView, read_archive, write_archive
from memory_db.rap_format import read_rap_folder, write_rap_folder
from services.assistant.regions import require_in_some_photo
from services.assistant.stages import Stages
from services.assistant.views import views_of
from services.runtime.room import ROOM, this_request

MAX_FILE_BYTES: Final = 4 * 1024**3
CHUNK_BYTES: Final = 1024 * 1024
MAX_GROWTH_BYTES: Final = 256 * 1024 * 1024
"""By which a concept's photos may take more once they are made plain. What was exported stays as
large as it is; a small file of another's making may become a hundred times as large."""


class Format(Enum):
    """How a memory is written down."""

    ARCHIVE = "archive"
    RAP = "rap"


class Problem(NamedTuple):
    """An entry that was left out of an import."""

    entry: str
    reason: str
    message: str


class Imported(NamedTuple):
    """What came of an import."""

    concepts: list[Concept]
    problems: list[Problem]


async def import_memory(
    stages: Stages, store: ConceptStore, chunks: AsyncIterable[bytes], form: Format
) -> Imported:
    """Remembers what a file holds; an entry that can't be used is left out and reported.

    The photos are taken as they are: cropped already in an archive, and RAP never crops.

    Raises:
        InvalidInput: The file is too large or not of this form. What was read before is kept.
        Refused: There is no room to hold it meanwhile.
    """
    imported = Imported([], [])
    with _unnamed_file() as file:
        await _receive(chunks, file)
        entries = _read(file, form, imported.problems)
        while named := await asyncio.to_thread(next, entries, None):
            called, entry = named
            try:
                imported.concepts.append(await _remember(stages, store, entry))
            except (InvalidInput, AlreadyExists, Overloaded) as error:
                imported.problems.append(_problem(called, error))
    return imported


async def export_memory(store: ConceptStore, form: Format) -> AsyncGenerator[bytes, None]:
    """The whole memory as a file, in pieces of at most `CHUNK_BYTES`.

    Raises:
        Refused: There is no room to hold it meanwhile.
    """
    with _unnamed_file() as file:
        await asyncio.to_thread(_write, store, file, form)
        while chunk := await asyncio.to_thread(file.read, CHUNK_BYTES):
            yield chunk


class _Roomless(io.FileIO):
    """A file that refuses by name what it has no room for. Any other failure is not its own."""

    def write(self, data: Any, /) -> int:  # noqa: ANN401 - all that its base takes
        try:
            return super().write(data)
        except OSError as error:
            raise _no_room(error) from error


@contextmanager
def _unnamed_file() -> Iterator[IO[bytes]]:
    """A file without a name: whoever is cancelled or killed leaves no photo behind.

    Raises:
        Refused: There is no room for it, now or when more is written.
    """
    try:
        unnamed = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - entered below
    except OSError as error:
        raise _no_room(error) from error
    with unnamed, io.BufferedRandom(_Roomless(unnamed.fileno(), "r+", closefd=False)) as file:
        yield file


def _no_room(error: OSError) -> Refused:
    return Refused(
        f"file: it can't be held meanwhile ({error.strerror}); the operator has to make room "
        "in the folder for temporary files, or to name another in TMPDIR",
        reason="TEMPORARY_FILE_UNWRITABLE",
    )


async def _receive(chunks: AsyncIterable[bytes], file: IO[bytes]) -> None:
    size = 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise InvalidInput(
                f"chunk: the file has more than {MAX_FILE_BYTES} bytes; import it in parts",
                reason="FILE_TOO_LARGE",
                field="chunk",
            )
        await asyncio.to_thread(file.write, chunk)
    file.seek(0)


def _read(
    file: IO[bytes], form: Format, problems: list[Problem]
) -> Iterator[tuple[str, ArchivedConcept]]:
    """The entries, each after what its file calls it."""
    if form is Format.ARCHIVE:
        yield from ((entry.name, entry) for entry in read_archive(file))
        return
    for entry in read_rap_folder(file, lambda tag, error: problems.append(_problem(tag, error))):
        view = ArchivedView(entry.image, box=None, negative=False)
        concept = ArchivedConcept(entry.name, entry.category, entry.description, (view,))
        yield entry.tag, concept


async def _remember(stages: Stages, store: ConceptStore, entry: ArchivedConcept) -> Concept:
    views = await _views(stages, entry.views)
    return await asyncio.to_thread(
        store.remember, entry.name, entry.category, entry.description, views
    )


async def _views(stages: Stages, archived: Sequence[ArchivedView]) -> list[NewView]:
    """The views with their vectors; a photo is made plain once, however often it is listed."""
    for number, view in enumerate(archived):
        if view.box is not None:
            require_in_some_photo(view.box, f"views[{number}].box")
    plain: dict[bytes, NewView] = {}
    growth = 0
    for view in archived:
        if view.image not in plain:
            plain[view.image] = new = await _plain(stages, view.image)
            growth += len(new.image) - len(view.image)
            _require_little(growth)
    return [replace(plain[view.image], box=view.box, negative=view.negative) for view in archived]


async def _plain(stages: Stages, image: bytes) -> NewView:
    """The view of a whole photo; nobody holds it decoded any more afterwards."""
    photos = await asyncio.to_thread(ROOM.decode_all, {"photo": image}, this_request())
    (view,) = await views_of(stages, photos, [None])
    return view


def _require_little(growth: int) -> None:
    if growth > MAX_GROWTH_BYTES:
        raise InvalidInput(
            f"views: made plain, their photos take {MAX_GROWTH_BYTES} bytes more than in the file; "
            "scale them down or import fewer",
            reason="VIEWS_TOO_LARGE",
            field="views",
        )


def _problem(entry: str, error: KithError) -> Problem:
    reason = error.status if isinstance(error, AlreadyExists) else error.reason
    return Problem(entry, reason, str(error))


def _write(store: ConceptStore, file: IO[bytes], form: Format) -> None:
    """Fills `file`; anew when a concept is forgotten while it is being written."""
    while True:
        concepts = store.snapshot().concepts
        try:
            _WRITERS[form](file, concepts, store.photo)
        except NotFound:
            if store.snapshot().concepts == concepts:
                raise
            file.seek(0)
            file.truncate()
        else:
            file.seek(0)
            return


_WRITERS: Final = {Format.ARCHIVE: write_archive, Format.RAP: write_rap_folder}
