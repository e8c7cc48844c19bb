"""RAP's database folder: a `database.json` beside one image a concept, as a folder or a zip.

    { "concept_dict": { "<bo>": { "name": "bo", "image": "example_database/bo.png",
                                  "info": "<bo> is a Shiba Inu ...", "category": "dog" } },
      "path_to_concept": { "example_database/bo.png": "<bo>" } }

Such folders are written by hand. An image path may start at the folder or at the folder above it;
other pictures may lie about, and are not looked at. Nothing outside the folder is ever read.
"""

import json
import os
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple, Protocol, Self

from kith.errors import InvalidInput
from memory_db.names import folder_name
from memory_db.schema import Concept

DATABASE = "database.json"
MAX_FILE_BYTES = 64 * 1024 * 1024
"""Larger files are refused before they are read: a zip may unpack to anything."""


class RapConcept(NamedTuple):
    """One entry of a RAP database, with its image as it lies there."""

    tag: str
    """What the file calls it: `<bo>`."""
    name: str
    category: str
    description: str
    image: bytes


def read_rap_folder(
    path: Path, on_problem: Callable[[str, InvalidInput], None] | None = None
) -> Iterator[RapConcept]:
    """The concepts of a RAP folder, or of a zip of one, in the order they are written.

    Args:
        path: The folder, or the zip.
        on_problem: Told of an entry that can't be read, by its tag, which is then left out;
            without it such an entry raises.

    Raises:
        InvalidInput: Not such a folder, an entry that is no object or has too large an image
            (`RAP_FOLDER_INVALID`), or one whose image is missing or outside the folder
            (`PHOTO_MISSING`, naming the concept and the path).
    """
    with _open(path) as files:
        entries = _entries(files)
        for tag, entry in entries.items():
            try:
                if not isinstance(entry, dict):
                    raise _invalid(f"concept {tag} in {DATABASE} is not an object; see the format")
                image = _image(files, tag, entry.get("image"))
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
    path: Path, concepts: Iterable[Concept], photo: Callable[[str], bytes]
) -> None:
    """Write a RAP folder with the first positive view of every concept.

    Args:
        path: A folder; made when it is not there.
        concepts: Their names become tags: `bo` is written `<bo>`.
        photo: The image of a view, by its blob name; `ConceptStore.photo`.
    """
    path.mkdir(parents=True, exist_ok=True)
    concept_dict: dict[str, dict[str, str]] = {}
    path_to_concept: dict[str, str] = {}
    for concept in concepts:
        image = photo(next(view.blob for view in concept.views if not view.negative))
        file = path / f"{folder_name(concept.name)}{_suffix(image)}"
        file.write_bytes(image)
        tag = f"<{concept.name}>"
        as_published = f"{path.resolve().name}/{file.name}"  # from the folder above
        concept_dict[tag] = {
            "name": concept.name,
            "image": as_published,
            "info": concept.description,
            "category": concept.category,
        }
        path_to_concept[as_published] = tag
    database = {"concept_dict": concept_dict, "path_to_concept": path_to_concept}
    text = json.dumps(database, ensure_ascii=False, indent=2)
    (path / DATABASE).write_text(text, encoding="utf-8")


class _Files(Protocol):
    """A folder to read from, wherever it is."""

    def read(self, path: PurePosixPath) -> bytes | None:
        """A file's content; None when it is not in the folder."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    def read(self, path: PurePosixPath) -> bytes | None:
        file = (self._root / path).resolve()  # follows links, so that none leads out
        if not file.is_relative_to(self._root) or not file.is_file():
            return None
        _require_size(str(path), file.stat().st_size)
        return file.read_bytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return


class _Zip:
    """A zip whose database lies at the top or in one folder; never unpacked to disk."""

    def __init__(self, file: Path) -> None:
        self._zip = zipfile.ZipFile(file)
        databases = [name for name in self._zip.namelist() if PurePosixPath(name).name == DATABASE]
        self._root = min(
            (PurePosixPath(name).parent for name in databases), default=PurePosixPath()
        )

    def read(self, path: PurePosixPath) -> bytes | None:
        try:
            member = self._zip.getinfo(os.path.normpath(self._root / path))
        except KeyError:
            return None
        _require_size(str(path), member.file_size)
        return self._zip.read(member)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()


def _open(path: Path) -> _Files:
    if path.is_dir():
        return _Folder(path)
    try:
        return _Zip(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise _invalid(f"{path} is neither a folder nor a zip") from error


def _entries(files: _Files) -> dict[str, Any]:
    text = files.read(PurePosixPath(DATABASE))
    if text is None:
        raise _invalid(f"there is no {DATABASE} in it; give the folder that holds one")
    try:
        database = json.loads(text)
    except ValueError as error:
        raise _invalid(f"{DATABASE} is not JSON: {error}") from error
    entries = database.get("concept_dict") if isinstance(database, dict) else None
    if not isinstance(entries, dict):
        raise _invalid(f'{DATABASE} has no "concept_dict"; see the RAP format')
    return entries


def _image(files: _Files, tag: str, given: object) -> bytes:
    if not isinstance(given, str) or not given:
        raise _missing(f'concept {tag}: "image" is not a path; name one image file')
    path = PurePosixPath(given)
    if ".." not in path.parts and "\0" not in given:
        # From the folder, or from the one above it, whose name may have changed since.
        from_above = PurePosixPath(*path.parts[1:])
        for candidate in (path,) if path.is_absolute() else (path, from_above):
            image = files.read(candidate)
            if image is not None:
                return image
    raise _missing(f"concept {tag}: image {given} is not in the folder; add it or mend the path")


def _without_brackets(tag: str) -> str:
    return tag[1:-1] if tag.startswith("<") and tag.endswith(">") else tag


def _suffix(image: bytes) -> str:
    if image.startswith(b"\x89PNG"):
        return ".png"
    return ".webp" if image[8:12] == b"WEBP" else ".jpg"


def _require_size(path: str, size: int) -> None:
    if size > MAX_FILE_BYTES:
        raise _invalid(f"{path} has {size} bytes, at most {MAX_FILE_BYTES} are read")


def _invalid(problem: str) -> InvalidInput:
    return InvalidInput(f"RAP folder: {problem}", reason="RAP_FOLDER_INVALID", field="memory")


def _missing(problem: str) -> InvalidInput:
    return InvalidInput(problem, reason="PHOTO_MISSING", field="memory")
