"""Tells folders of models from others without reading all of their gigabytes."""

import hashlib
from collections.abc import Iterator
from glob import glob
from pathlib import Path
from typing import Final

_WEIGHTS: Final = ".safetensors"
_READ: Final = (_WEIGHTS, ".json", ".txt")
"""What models are loaded from. Beside it lie cards and pictures, which change nothing."""
_STRIDE: Final = 2**20
_PAGE: Final = 4096


def fingerprint(*folders: Path) -> str:
    """Sixteen digits, the same wherever the folders lie.

    Of weights it reads the first MiB, in which are the names and shapes of the tensors, and a page
    of every further one. Whatever is trained, merged or fetched anew differs in nearly all of its
    numbers, and every large tensor is longer than a MiB: the pages of one of them meet it. The
    first and the last MiB alone would miss a checkpoint with other attention layers, which lie
    between.
    """
    found = hashlib.sha256()
    for folder in folders:
        # Unlike `Path.rglob` it follows links and leaves out hidden files, in which downloads keep
        # their times.
        for name in sorted(glob("**/*", root_dir=folder, recursive=True)):  # noqa: PTH207
            path = folder / name
            if path.suffix in _READ and path.is_file():
                found.update(f"{folder.name}/{name} {path.stat().st_size}\n".encode())
                for part in _samples(path):
                    found.update(part)
    return found.hexdigest()[:16]


def _samples(path: Path) -> Iterator[bytes]:
    """All of a small file, or pages of the weights."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if path.suffix != _WEIGHTS or size <= _STRIDE:
            yield file.read()
            return
        yield file.read(_STRIDE)
        for place in (*range(_STRIDE, size, _STRIDE), size - _PAGE):
            file.seek(place)
            yield file.read(_PAGE)
