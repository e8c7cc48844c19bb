"""Seed sets as they come in: received, unpacked, checked, kept under the hash of their file."""

import asyncio
import hashlib
from collections.abc import AsyncIterable
from pathlib import Path
from typing import IO, Final, NamedTuple

from datagen.layout import Layout
from datagen.seeds import Seed, read_seeds
from datagen.service.place import Place
from datagen.service.seed_zip import MAX_FILE_BYTES, unpack
from kith.errors import InvalidInput, Refused
from services.runtime.jobs import writing

MAX_SEED_SETS: Final = 32
"""Of one user."""


class SeedSet(NamedTuple):
    """A seed set that is kept."""

    id: str
    seeds: tuple[Seed, ...]


async def receive(chunks: AsyncIterable[bytes], file: IO[bytes]) -> str:
    """Write what comes to a file; its hash, in hexadecimal, comes back.

    Raises:
        InvalidInput: It has more than `MAX_FILE_BYTES`.
        Refused: The disk is full.
    """
    digest = hashlib.sha256()
    size = 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        await asyncio.to_thread(_append, file, chunk)
        if size > MAX_FILE_BYTES:
            raise InvalidInput(
                f"chunk: the file has more than {MAX_FILE_BYTES} bytes; leave some photos out",
                reason="FILE_TOO_LARGE",
                field="chunk",
            )
    return digest.hexdigest()[:32]


def keep(place: Place, seed_set_id: str, file: IO[bytes]) -> SeedSet:
    """Keep the seed set in a zip file; the same file is the same seed set.

    Raises:
        InvalidInput: See `seed_zip.unpack` and `seeds.read_seeds`.
        Refused: It can't be written, or the user has too many.
    """
    folder = place.seed_set_folder(seed_set_id)
    if not folder.is_dir():
        if len(place.seed_set_ids()) >= MAX_SEED_SETS:
            raise Refused(
                f"chunk: you have {MAX_SEED_SETS} seed sets, and no more are kept for a user; "
                "delete one",
                reason="TOO_MANY_SEED_SETS",
                field="chunk",
            )
        with place.in_the_making(folder) as part:
            unpack(file, part)
            _check(part)
    return read(place, seed_set_id)


def read(place: Place, seed_set_id: str, layout: Layout | None = None) -> SeedSet:
    """A seed set that is kept.

    Args:
        place: Whose.
        seed_set_id: Its id.
        layout: See `seeds.read_seeds`.

    Raises:
        InvalidInput: It does not fit the layout.
        NotFound: It is deleted meanwhile.
    """
    folder = place.seed_set_folder(seed_set_id)
    try:
        return SeedSet(seed_set_id, read_seeds(folder, layout))
    except (OSError, InvalidInput) as error:
        if folder.exists():
            raise
        raise place.missing(place.seed_set_name(seed_set_id)) from error


def delete(place: Place, name: str) -> None:
    """Delete a seed set for good.

    Raises:
        NotFound: There is none of that name.
        Refused: A dataset is being made from it, or the user's lock can't be written.
    """
    with place.locked():
        folder = place.seed_set(name)
        for job in (job for one in place.datasets.ids() for job in place.open_jobs(one)):
            if place.datasets.read(job.about).wish.seed_set == folder.name:
                raise Refused(
                    f"name: operations/{job.id} makes a dataset from it; cancel it first",
                    reason="SEED_SET_IN_USE",
                    field="name",
                )
        place.discard(folder)


def _append(file: IO[bytes], chunk: bytes) -> None:
    left = memoryview(chunk)
    with writing("the seed set"):
        while left:  # a file without a buffer may take less than all
            left = left[file.write(left) :]


def _check(part: Path) -> None:
    try:
        read_seeds(part, None)
    except InvalidInput as error:
        said = str(error).removeprefix("seeds: ").replace(str(part), "the zip file")
        raise InvalidInput(f"chunk: {said}", reason=error.reason, field="chunk") from error
