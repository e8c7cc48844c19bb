"""The dataset of Yo'LLaVA (Nguyen et al., NeurIPS 2024), as it is published.

    train/bo/0.png ...          how bo looks; the first is the reference
    test/bo/0.png ...           photos of it
    yollava-visual-qa.json      {"bo": {"./yollava-data/test/bo/0.png": {"question": ...}}}
    yollava-text-only-qa.json   {"bo": {"0": {"question": ...}}}, by RAP

The two files of questions may be missing. Concepts have no category there.
"""

import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Final

from evaluation.datasets.album import Album
from evaluation.datasets.files import mapping, path_in, pictures_in, read_json, wrong
from evaluation.datasets.questions import of_rap
from evaluation.manifest import Concept, Dataset

_VISUAL: Final = "yollava-visual-qa.json"
_TEXT_ONLY: Final = "yollava-text-only-qa.json"


def fits(folder: Path) -> bool:
    """Whether a folder is of this form."""
    return all((folder / part).is_dir() for part in ("train", "test"))


def read(folder: Path) -> Dataset:
    """The dataset in a folder.

    Raises:
        InvalidInput: A file of questions is not of this form.
    """
    names = dict.fromkeys(
        path.name
        for part in ("train", "test")
        for path in sorted((folder / part).iterdir())
        if path.is_dir() and not path.name.startswith(".")
    )
    if not names:
        raise wrong(folder / "train", "holds no folder of a concept; put train/NAME/0.png there")
    album = Album(folder)
    concepts = tuple(
        Concept(unicodedata.normalize("NFC", name), "", tuple(pictures_in(folder / "train" / name)))
        for name in names
    )
    for name, concept in zip(names, concepts, strict=True):
        for path in pictures_in(folder / "test" / name):
            album.show(path.relative_to(folder).as_posix(), [concept.name])
    dropped: Counter[str] = Counter()
    for file in (_VISUAL, _TEXT_ONLY):
        if (folder / file).is_file():
            dropped += _ask(album, folder / file)
    photos = album.photos()
    return Dataset(folder.resolve().name, concepts, photos, dropped=dict(dropped))


def _ask(album: Album, path: Path) -> Counter[str]:
    """Put a file's questions to their photos, and count those that can't be put."""
    dropped: Counter[str] = Counter()
    for name, entries in mapping(path, read_json(path)).items():
        for key, entry in mapping(f"{path}: {name}", entries).items():
            where = f"{path}: {name}.{key}"
            about_photo = path.name == _VISUAL
            question = of_rap(where, entry, name, about_photo=about_photo)
            if question is None:
                dropped[f"questions in {path.name} that have no two different options"] += 1
            elif about_photo:
                photo = path_in(where, f"test/{name}/{PurePosixPath(key).name}")
                album.show(photo, [name])
                album.ask(photo, question)
            elif not album.ask_by(name, question):
                raise wrong(where, f"there is no photo of {name!r}; put test/{name}/0.png there")
    return dropped
