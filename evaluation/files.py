"""Files of a run, read with an error that says what to do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kith.errors import Refused


def read_json(path: Path, next_step: str) -> dict[str, Any]:
    """The object in a JSON file.

    Args:
        path: Of the file.
        next_step: What to do where it is damaged.

    Raises:
        FileNotFoundError: There is none.
        Refused: It is damaged.
    """
    return _parsed(path, path.read_bytes(), next_step)


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects in a journal, up to `whole_lines`.

    Raises:
        Refused: A line before the last one is damaged.
    """
    lines = path.read_bytes()[: whole_lines(path)].splitlines()
    for number, line in enumerate(lines, start=1):
        step = f"delete {'this line' if number > 1 else 'the file'}; the same command asks again"
        yield _parsed(f"{path} line {number}", line, f"{step} what it held")


def whole_lines(path: Path) -> int:
    """How many bytes of a journal are left without its last line, where a crash tore that."""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    begin = content.rfind(b"\n", 0, end - 1) + 1 if end else 0
    try:
        json.loads(content[begin:end])
    except ValueError:
        return begin
    return end


def _parsed(where: object, content: bytes, next_step: str) -> dict[str, Any]:
    try:
        told = json.loads(content)
    except ValueError as error:
        raise damaged(where, str(error), next_step) from error
    if not isinstance(told, dict):
        raise damaged(where, "it is no object", next_step)
    return told


def damaged(where: object, why: str, next_step: str) -> Refused:
    """The error for a file of a run that can't be used.

    Args:
        where: The file, and the line in it.
        why: What is wrong.
        next_step: What to do.
    """
    return Refused(
        f"out: {where} is damaged: {why}; {next_step}", reason="FILE_DAMAGED", field="out"
    )
