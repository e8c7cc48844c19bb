"""A zip of RAP's database folder: a `database.json` beside one image a concept.

    { "concept_dict": { "<bo>": { "name": "bo", "image": "example_database/bo.png",
                                  "info": "<bo> is a Shiba Inu ...", "category": "dog" } },
      "path_to_concept": { "example_database/bo.png": "<bo>" } }

Such folders are written by hand. An image path may start at the folder or at the folder above it;
other pictures may lie about, and are not looked at. Nothing is ever unpacked to disk.
"""

import json
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from typing import IO, Any, Final, NamedTuple

from kith.errors import InvalidInput
from memory_db.names import folder_name
from memory_db.schema import Concept

DATABASE = "database.json"
_FOLDER = "database"
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Larger files are refused before they are read: a zip may unpack to anything."""

# What Python's zipfile raises on one that is damaged or encrypted (found by damaging one).
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
)


class RapConcept(NamedTuple):
    """One entry of a RAP database, with its image as it lies there."""

    tag: str
    """What the file calls it: `<bo>`."""
    name: str
    category: str
    description: str
    image: bytes


def read_rap_folder(
    file: IO[bytes], on_problem: Callable[[str, InvalidInput], None] | None = None
) -> Iterator[RapConcept]:
    """The concepts of a zip of a RAP folder, in the order they are written.

    Args:
        file: Seekable. The database lies at the top of the zip, or in a folder.
        on_problem: Told of an entry that can't be read, by its tag, which is then left out;
            without it such an entry raises.

    Raises:
        InvalidInput: Not such a zip, an entry that is no object or has an image that is damaged or
            too large (`RAP_FOLDER_INVALID`), or one whose image is missing (`PHOTO_MISSING`,
            naming the concept and the path).
    """
    with _opened(file) as packed:
        root, entries = _database(packed)
        for tag, entry in entries.items():
            try:
                if not isinstance(entry, dict):
                    raise _invalid(f"concept {tag} in {DATABASE} is not an object; see the format")
                image = _image(packed, root, tag, entry.get("image"))
            except InvalidInput as problem:
                if on_problem is None:
                    raise
                on_problem(tag, problem)
                continue
            yield RapConcept(
                tag=tag,
                name=_without_brackets(str(entry.get("name") or tag)),
                category=str(entry.get("category") or ""),
                description=str(entry.get("info") or ""),
                image=image,
            )


def write_rap_folder(
    file: IO[bytes], concepts: Iterable[Concept], photo: Callable[[str], bytes]
) -> None:
    """Write a zip of a RAP folder with the first positive view of every concept.

    Args:
        file: What to write to.
        concepts: Their names become tags: `bo` is written `<bo>`.
        photo: The image of a view, by its blob name; `ConceptStore.photo`.
    """
    concept_dict: dict[str, dict[str, str]] = {}
    path_to_concept: dict[str, str] = {}
    with zipfile.ZipFile(file, "w") as packed:  # stored: photos are compressed already
        for concept in concepts:
            image = photo(next(view.blob for view in concept.views if not view.negative))
            path = f"{_FOLDER}/{folder_name(concept.name)}{_suffix(image)}"  # from the folder above
            packed.writestr(path, image)
            tag = f"<{concept.name}>"
            concept_dict[tag] = {
                "name": concept.name,
                "image": path,
                "info": concept.description,
                "category": concept.category,
            }
            path_to_concept[path] = tag
        database = {"concept_dict": concept_dict, "path_to_concept": path_to_concept}
        text = json.dumps(database, ensure_ascii=False, indent=2)
        packed.writestr(f"{_FOLDER}/{DATABASE}", text)


def _opened(file: IO[bytes]) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(file)
    except _DAMAGED as error:
        raise _invalid(f"it is no zip, or a damaged one ({error}); zip the folder again") from error


def _database(packed: zipfile.ZipFile) -> tuple[PurePosixPath, dict[str, Any]]:
    """The folder in which the database lies, and its entries by their tags."""
    paths = [PurePosixPath(name) for name in packed.namelist()]
    root = min((path.parent for path in paths if path.name == DATABASE), default=PurePosixPath())
    text = _read(packed, root / DATABASE)
    if text is None:
        raise _invalid(f"there is no {DATABASE} in it; give the folder that holds one")
    try:
        database = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"{DATABASE} is not JSON: {error}") from error
    entries = database.get("concept_dict") if isinstance(database, dict) else None
    if not isinstance(entries, dict):
        raise _invalid(f'{DATABASE} has no "concept_dict"; see the RAP format')
    return root, entries


def _image(packed: zipfile.ZipFile, root: PurePosixPath, tag: str, given: object) -> bytes:
    if not isinstance(given, str) or not given:
        raise _missing(f'concept {tag}: "image" is not a path; name one image file')
    path = PurePosixPath(given)
    # From the folder, or from the one above it, whose name may have changed since.
    for candidate in (path, PurePosixPath(*path.parts[1:])):
        image = _read(packed, root / candidate)
        if image is not None:
            return image
    raise _missing(f"concept {tag}: image {given} is not in the folder; add it or mend the path")


def _read(packed: zipfile.ZipFile, path: PurePosixPath) -> bytes | None:
    """A file's content; None when it is not there."""
    try:
        member = packed.getinfo(str(path))
    except KeyError:
        return None
    if member.file_size > MAX_FILE_BYTES:
        size = f"{member.file_size} bytes, at most {MAX_FILE_BYTES} are read"
        raise _invalid(f"{path} has {size}")
    try:
        return packed.read(member)
    except _DAMAGED as error:
        raise _invalid(f"{path} is damaged ({error}); zip the folder again") from error


def _without_brackets(tag: str) -> str:
    return tag[1:-1] if tag.startswith("<") and tag.endswith(">") else tag


def _suffix(image: bytes) -> str:
    if image.startswith(b"\x89PNG"):
        return ".png"
    return ".webp" if image[8:12] == b"WEBP" else ".jpg"


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput(f"RAP folder: {problem}", reason="RAP_FOLDER_INVALID", field="memory")


def _missing(problem: str) -> InvalidInput:
    return InvalidInput(problem, reason="PHOTO_MISSING", field="memory")
