"""Datasets of every form that is known here, read into the one of `evaluation.manifest`.

A form is a module with `fits`, which looks at a folder, and `read`.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from evaluation.datasets import mc_llava, mp_bench, photos, rap, yollava
from evaluation.datasets.files import SUFFIXES, pictures_below, wrong
from evaluation.manifest import Dataset, Photo


class _Form(Protocol):
    def fits(self, folder: Path, /) -> bool: ...

    def read(self, folder: Path, /) -> Dataset: ...


_FORMS: Final[tuple[_Form, ...]] = (mp_bench, mc_llava, photos, yollava, rap)
"""The most telling first: any JSON file may be RAP's."""
_KNOWN: Final = (
    "kith datagen make (seeds/concepts.yaml), MC-LLaVA (scenarios.json), photos (manifest.json), "
    "Yo'LLaVA (train/NAME, test/NAME), RAP (recognition_test.json)"
)


def read(
    folder: Path, *, outside: Path | None = None, outside_multi: Path | None = None
) -> Dataset:
    """The dataset in a folder, whatever its form.

    No picture is opened: whether all are there and whole, `evaluation.check.problems` tells.

    Args:
        folder: Of one of the forms that are known.
        outside: A folder of pictures, with folders in it or without, that show no concept of the
            dataset, each a single thing: 4.2.2's outside single images.
        outside_multi: The same, each with several things.

    Raises:
        InvalidInput: The folder is of no known form, a file in it is not as it should be, or there
            are no pictures outside; the message names file, entry and value.
    """
    if not folder.is_dir():
        raise wrong(folder, "is no folder; name one that holds a dataset")
    form = next((form for form in _FORMS if form.fits(folder)), None)
    if form is None:
        raise wrong(folder, f"holds no dataset of a known form; these are {_KNOWN}")
    dataset = form.read(folder)
    return replace(
        dataset,
        outside=(*dataset.outside, *_strangers(outside, "outside")),
        outside_multi=(*dataset.outside_multi, *_strangers(outside_multi, "outside_multi")),
    )


def _strangers(folder: Path | None, field: str) -> list[Photo]:
    if folder is None:
        return []
    found = pictures_below(folder) if folder.is_dir() else []
    if not found:
        raise wrong(folder, f"holds no picture ({', '.join(SUFFIXES)}); name one that does", field)
    return [
        Photo(f"{field}/{path.relative_to(folder).as_posix()}", path, (), source="unknown")
        for path in found
    ]
