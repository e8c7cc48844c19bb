"""Reading a dataset's files: an error names the file, the entry, its value and what to do."""

import json
import re
import reprlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from kith.errors import InvalidInput

SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp")
"""What a picture's file name ends with, in small letters."""


def wrong(where: object, what: str, field: str = "data") -> InvalidInput:
    """The error for an entry that can't be used.

    Args:
        where: The file, and the entry in it.
        what: Is wrong with its value, and what to do.
        field: The setting that names the folder.
    """
    return InvalidInput(f"{field}: {where}: {what}", reason="DATASET_INVALID", field=field)


def read_json(path: Path) -> Any:  # noqa: ANN401 - whatever stands there
    """What stands in a JSON file.

    Raises:
        InvalidInput: It is missing, can't be read, or is no JSON.
    """
    return _parsed(path, _read(path))


def read_json_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects in a JSON Lines file, each after where it stands.

    Raises:
        InvalidInput: The file can't be read, or a line is no object.
    """
    for number, line in enumerate(_read(path).splitlines(), start=1):
        where = f"{path} line {number}"
        yield where, mapping(where, _parsed(where, line))


def mapping(where: object, told: object) -> dict[str, Any]:
    """An object of JSON or YAML, whose keys are texts.

    Raises:
        InvalidInput: It is none.
    """
    if not isinstance(told, dict) or not all(isinstance(key, str) for key in told):
        raise wrong(where, f"{short(told)} is no object of names and values; correct it")
    return told


def listing(where: object, told: object) -> list[Any]:
    """A list of JSON.

    Raises:
        InvalidInput: It is none.
    """
    if not isinstance(told, list):
        raise wrong(where, f"{short(told)} is no list; correct it")
    return told


def text(where: object, told: object) -> str:
    """A text with something in it, without space around it.

    Raises:
        InvalidInput: It is none.
    """
    if not isinstance(told, str) or not told.strip():
        raise wrong(where, f"{short(told)} is no text; correct it")
    return told.strip()


def remark(where: object, told: object) -> str:
    """A text as it stands, which may be empty, as it is where there is none.

    Raises:
        InvalidInput: It is something else.
    """
    if told is not None and not isinstance(told, str):
        raise wrong(where, f"{short(told)} is no text; correct it, or leave it out")
    return told or ""


def texts(where: object, told: object) -> list[str]:
    """A list of texts.

    Raises:
        InvalidInput: It is none.
    """
    return [text(f"{where}[{i}]", one) for i, one in enumerate(listing(where, told))]


def path_in(where: object, told: object) -> str:
    """A path that stays in the dataset's folder, with forward slashes.

    Raises:
        InvalidInput: It is no text, starts at the root, or leads out with `..`.
    """
    path = PurePosixPath(text(where, told).replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise wrong(where, f"{told!r} leads out of the dataset; give a path in its folder")
    return str(path)


def pictures_in(folder: Path) -> list[Path]:
    """The pictures right in a folder, 2.png before 10.png; none where there is no folder."""
    if not folder.is_dir():
        return []
    return sorted((path for path in folder.iterdir() if _is_picture(path)), key=in_order)


def pictures_below(folder: Path) -> list[Path]:
    """The pictures in a folder and in all folders in it, hidden ones left out."""
    return sorted(
        (
            path
            for path in folder.rglob("*")
            if _is_picture(path)
            and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        ),
        key=in_order,
    )


def in_order(path: Path) -> list[str | int]:
    """What to sort paths by so that numbers in them count as numbers."""
    parts = re.split(r"([0-9]+)", path.as_posix())
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


def short(told: object) -> str:
    """A value as an error shows it."""
    return reprlib.repr(told)[:120]


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and not path.name.startswith(".")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text in UTF-8"
        raise wrong(path, f"can't be read: {why}; put it there or mend it") from error


def _parsed(where: object, content: str) -> Any:  # noqa: ANN401
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise wrong(where, f"is no JSON: {error}; mend it") from error
