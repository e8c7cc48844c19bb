"""Kith's own archive: a tar of `photos/<sha256>` and a `manifest.json` that says whose they are.

It carries every view, rejected ones too, and no vectors: whoever imports it embeds the photos
with the model of the day.
"""

import io
import json
import math
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import IO, Any, Final

from kith.errors import InvalidInput
from memory_db.photos import content_hash
from memory_db.schema import Box, Concept

SCHEMA = 1
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 64 * 1024 * 1024
MAX_PHOTO_BYTES = 64 * 1024 * 1024

# What reading a tar and a manifest raises when they are damaged, or made to do harm.
_DAMAGED: Final = (
    tarfile.TarError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OverflowError,
    RecursionError,
)


@dataclass(frozen=True, slots=True)
class ArchivedView:
    """A view without a vector."""

    image: bytes
    box: Box | None
    negative: bool


@dataclass(frozen=True, slots=True)
class ArchivedConcept:
    """A concept on its way in: embed its views, then `ConceptStore.remember` it."""

    name: str
    category: str
    description: str
    views: tuple[ArchivedView, ...]


def write_archive(
    file: IO[bytes], concepts: Iterable[Concept], photo: Callable[[str], bytes]
) -> None:
    """Write concepts with their photos; one photo is held in memory at a time.

    Args:
        file: Only written to, so a pipe will do.
        concepts: What to write, in this order.
        photo: The image of a view, by its blob name; `ConceptStore.photo`.
    """
    written: set[str] = set()
    manifest: dict[str, Any] = {"schema": SCHEMA, "concepts": []}
    with tarfile.open(fileobj=file, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        for concept in concepts:
            for view in concept.views:
                if view.blob not in written:
                    _add(tar, f"photos/{view.blob}", photo(view.blob))
                    written.add(view.blob)
            manifest["concepts"].append(
                {
                    "name": concept.name,
                    "category": concept.category,
                    "description": concept.description,
                    "views": [
                        {"photo": view.blob, "box": view.box, "negative": view.negative}
                        for view in concept.views
                    ],
                }
            )
        _add(tar, MANIFEST, json.dumps(manifest, ensure_ascii=False).encode())


def read_archive(file: IO[bytes]) -> Iterator[ArchivedConcept]:
    """The concepts of an archive in order; one concept's photos are held in memory at a time.

    Args:
        file: Seekable. Nothing is ever unpacked to disk.

    Raises:
        InvalidInput: Not an archive of ours, cut short, of a later version, or with a photo that
            is missing or is not what its name says.
    """
    try:
        with tarfile.open(fileobj=file, mode="r:") as tar:
            members = {member.name: member for member in tar if member.isfile()}
            manifest = json.loads(_read(tar, members, MANIFEST, MAX_MANIFEST_BYTES))
            for entry in _concepts(manifest):
                # Read once, however often it is listed: a small file may make thousands of views.
                photo = cache(partial(_photo, tar, members))
                yield ArchivedConcept(
                    name=_text(entry["name"]),
                    category=_text(entry["category"]),
                    description=_text(entry["description"]),
                    views=tuple(_view(view, photo) for view in entry["views"]),
                )
    except _DAMAGED as error:
        raise _invalid(f"is damaged or not one of Kith's ({error})") from error


_Members = dict[str, tarfile.TarInfo]


def _concepts(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    if manifest["schema"] != SCHEMA:
        raise _invalid(f"has schema {manifest['schema']}, this version reads {SCHEMA}; update Kith")
    concepts: list[dict[str, Any]] = manifest["concepts"]
    return concepts


def _view(view: dict[str, Any], photo: Callable[[str], bytes]) -> ArchivedView:
    return ArchivedView(photo(view["photo"]), _box(view["box"]), bool(view["negative"]))


def _photo(tar: tarfile.TarFile, members: _Members, blob: str) -> bytes:
    image = _read(tar, members, f"photos/{blob}", MAX_PHOTO_BYTES)
    if content_hash(image) != blob:
        raise _invalid(f"has a photo {blob} whose content is another; export it again")
    return image


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no text")
    return value


def _box(sides: list[float] | None) -> Box | None:
    if sides is None:
        return None
    x1, y1, x2, y2 = map(float, sides)
    if not all(map(math.isfinite, (x1, y1, x2, y2))):
        raise ValueError(f"box {sides}")
    return x1, y1, x2, y2


def _read(tar: tarfile.TarFile, members: _Members, name: str, limit: int) -> bytes:
    member = members.get(name)
    stream = member and tar.extractfile(member)
    if not member or not stream:
        raise _invalid(f"lacks {name}; export it again")
    if member.size > limit:
        raise _invalid(f"has a {name} of {member.size} bytes, at most {limit} are read")
    content = stream.read()
    if len(content) != member.size:
        raise _invalid(f"ends within {name}; copy it again")
    return content


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput(f"the archive {problem}", reason="ARCHIVE_INVALID", field="memory")
