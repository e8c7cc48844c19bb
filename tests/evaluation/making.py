"""Datasets small enough to be made in a test."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evaluation.datasets import read
from kith.errors import InvalidInput


def picture(path: Path) -> Path:
    """A picture that no other path has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256(str(path).encode()).digest()
    image = Image.new("RGB", (8, 8), (digest[0], digest[1], digest[2]))
    image.putpixel((1, 1), (digest[3], digest[4], digest[5]))
    image.save(path)
    return path


def pictures(folder: Path, *files: str) -> None:
    for file in files:
        picture(folder / file)


def write(path: Path, told: object) -> None:
    """As JSON, or as it is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")


def write_lines(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    write(path, "".join(f"{json.dumps(row)}\n" for row in rows))


def refusal(folder: Path) -> str:
    """Why a folder can't be read; the message names the setting first."""
    with pytest.raises(InvalidInput) as caught:
        read(folder)
    assert caught.value.field == "data"
    return str(caught.value)
