"""A folder in which every photo counts: none is left out in silence."""

import os
import stat
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from datagen.pictures import SUFFIXES, check_any, check_folder
from kith.errors import InvalidInput

_FOREIGN: Final = frozenset(
    (
        *(".heic", ".heif", ".avif", ".gif", ".bmp", ".tif", ".tiff", ".jfif", ".jpe", ".jp2"),
        *(".jxl", ".ico", ".svg", ".psd", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"),
    )
)
"""What other photos' file names end with, which nobody here can open."""


class Sorted(NamedTuple):
    """What lies in a folder in which every photo counts."""

    pictures: tuple[Path, ...]
    """At least one, in the order of their paths."""
    others: tuple[Path, ...]
    """Hidden files, hidden folders as a whole, and files that are clearly no photos."""


def sort_out(folder: Path, field: str) -> Sorted:
    """The pictures under `folder`, none of which is to be overlooked, and the rest.

    Args:
        folder: Searched with all folders in it.
        field: What the caller calls it, for the error.

    Raises:
        InvalidInput: There is no such folder, no picture in it, a photo that can't be read here, or
            something called like a picture that is none.
    """
    check_folder(folder, field)
    pictures, others = [], []
    for where, folders, files in os.walk(folder, onerror=partial(_fail, field)):
        paths = [Path(where, name) for name in (*folders, *files)]
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in paths:
            suffix = path.suffix.lower()
            if path.name.startswith("."):
                others.append(path)
            elif suffix in (*SUFFIXES, *_FOREIGN) or _leads_away(path):
                _check_picture(path, field)
                pictures.append(path)
            elif not path.is_dir():
                others.append(path)
    check_any(pictures, folder, field)
    return Sorted(tuple(sorted(pictures)), tuple(sorted(others)))


def _leads_away(path: Path) -> bool:
    """Whether it is a link to a folder, which is not followed, or to nothing."""
    return path.is_symlink() and not stat.S_ISREG(_mode(path))


def _check_picture(path: Path, field: str) -> None:
    """Refuse what may be meant as a picture and is none."""
    mode = _mode(path)
    if not mode:
        what = "leads nowhere"
    elif not stat.S_ISREG(mode):
        what = "is a folder or leads to one" if stat.S_ISDIR(mode) else "is no file"
    elif path.suffix.lower() not in SUFFIXES:
        what = "is of a kind that can't be read"
    else:
        return
    raise InvalidInput(
        f"{field}: {path} {what}; put a JPEG, PNG or WebP picture there, or take it out",
        reason="PICTURE_UNREADABLE",
        field=field,
    )


def _mode(path: Path) -> int:
    """The kind of what is there, as `stat` has it; 0 if that can't be reached."""
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _fail(field: str, error: OSError) -> NoReturn:
    raise InvalidInput(
        f"{field}: can't look into {error.filename}: {error.strerror}; let it be read",
        reason="FOLDER_UNREADABLE",
        field=field,
    ) from error
