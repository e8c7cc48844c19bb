"""Files of a run, read with an error that says what to do."""

import json
import reprlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar, get_origin, get_type_hints

from kith.errors import Refused

T = TypeVar("T")

_KINDS: Final[Mapping[Any, tuple[tuple[type, ...], str]]] = {
    str: ((str,), "text"),
    bool: ((bool,), "truth value"),
    int: ((int,), "whole number"),
    float: ((int, float), "number"),
    tuple: ((list, tuple), "list"),
    Mapping: ((dict,), "object"),
}
"""What a field's type takes of JSON, and what that is called."""


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


def json_lines(path: Path, read: Callable[[dict[str, Any]], T]) -> Iterator[T]:
    """What is made of the objects in a journal, up to `whole_lines`.

    Args:
        path: Of the journal.
        read: Makes it of one; may raise LookupError, TypeError or ValueError for one of another
            form.

    Raises:
        Refused: A line before the last one is damaged, or the first tells of no fingerprint.
    """
    lines = path.read_bytes()[: whole_lines(path)].splitlines()
    for number, line in enumerate(lines, start=1):
        where = f"{path} line {number}"
        step = f"delete {'this line' if number > 1 else 'the file'}; the same command asks again"
        step = f"{step} what it held"
        told = _parsed(where, line, step)
        if number == 1 and "fingerprint" not in told:
            raise damaged(where, "it does not tell what was asked", step)
        try:
            made = read(told)
        except (LookupError, TypeError, ValueError) as error:
            raise damaged(where, f"it is of another form ({error})", step) from error
        yield made


def typed(kind: Callable[..., T], told: Any) -> T:  # noqa: ANN401 - plain JSON
    """A dataclass of what stands in a file, with each plain value and container of its type.

    Args:
        kind: The dataclass.
        told: Its fields; a list where it wants a tuple.

    Raises:
        TypeError: A field is missing, unknown or of another type.
    """
    if not isinstance(told, dict):
        raise TypeError(f"{reprlib.repr(told)} is no object")
    fields = dict(told)
    for name, hint in _hints(kind).items():
        wanted = get_origin(hint) or hint
        if name not in told or wanted not in _KINDS:
            continue
        value, (types, called) = told[name], _KINDS[wanted]
        is_truth = isinstance(value, bool) and wanted is not bool  # for Python a number, too
        if is_truth or not isinstance(value, types):
            raise TypeError(f"{name}: {reprlib.repr(value)} is no {called}")
        if wanted is tuple:
            fields[name] = tuple(told[name])
    return kind(**fields)


@cache
def _hints(kind: Callable[..., Any]) -> dict[str, Any]:
    return get_type_hints(kind)


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
