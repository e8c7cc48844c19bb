"""Hard negatives: pictures that look like a concept and are not it (thesis 4.3.2).

From pools of pictures, those whose vectors are nearest to the concept's views. For some kinds of
things a pool of everything holds too few: `EXTRAS` pictures of a pool for that category are
drawn at random and thrown in.
"""

import json
import shutil
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from datagen.pictures import jpeg, open_picture
from datagen.pool import Embedder, Pool, Vectors
from datagen.prints import Prints, near_copies, variants
from kith.errors import InvalidInput, Refused
from kith.files import write_whole
from kith.words import counted

COUNT: Final = 150
"""Negatives a concept: the thesis has 100 to 150, and Table 2.1 asks 150 for MC-LLaVA and MyVLM."""

EXTRAS: Final = 20
"""Pictures from the pool of the concept's category, as in the thesis."""

_BLOCK: Final = 8192  # vectors that are compared at once
_METADATA: Final = "metadata.jsonl"


class Concept(Protocol):
    """Whom negatives are looked for."""

    @property
    def name(self) -> str:
        """Its name, which is that of its folder."""

    @property
    def category(self) -> str:
        """Chooses the further pool."""

    @property
    def train(self) -> tuple[Path, ...]:
        """Files of its views, which are no negatives."""

    @property
    def test(self) -> tuple[Path, ...]:
        """Further pictures of it, which are no negatives either."""

    def views(self) -> Iterator[Image.Image]:
        """Its views in RGB, upright."""


class Negative(NamedTuple):
    """A picture that looks like the concept."""

    file: Path
    pool: Pool
    similarity: float
    """Cosine of its vector and that of the nearest view, -1 to 1."""


@dataclass(frozen=True)
class Mined:
    """What was found for a concept."""

    concept: str
    negatives: tuple[Negative, ...]
    """The most alike first."""
    candidates: int
    """Pictures that were compared."""
    own: int
    """Left out: pictures of the concept itself, by their files."""
    copies: int
    """Left out: near-copies of a view."""
    repeats: int
    """Left out: near-copies of a picture that is among the negatives."""

    def counts(self) -> dict[str, Any]:
        """The numbers, for a record."""
        scores = [one.similarity for one in self.negatives]
        return {
            "kept": len(scores),
            "candidates": self.candidates,
            "own": self.own,
            "near_copies_of_views": self.copies,
            "repeats": self.repeats,
            "highest_similarity": round(max(scores), 4),
            "lowest_similarity": round(min(scores), 4),
        }


def mine(
    concept: Concept,
    embedder: Embedder,
    pools: Sequence[Pool],
    extras: Mapping[str, Pool],
    count: int = COUNT,
) -> Mined:
    """The pictures that are most like the concept's views.

    Args:
        concept: Whose.
        embedder: The one that the pools were embedded with.
        pools: Where to look.
        extras: A further pool by category.
        count: How many at most.

    Raises:
        InvalidInput: A view can't be read, or nothing but pictures of the concept was found.
    """
    views = list(concept.views())
    vectors = embedder.embed(views)
    searched = [(pool, np.arange(len(pool.files))) for pool in pools]
    if pool := extras.get(concept.category):
        searched.append((pool, _draw(concept, pool)))
    prints = np.concatenate([variants(view) for view in views])
    candidates = sum(len(rows) for _, rows in searched)
    mined = _pick(concept, prints, _by_likeness(searched, vectors), candidates, count)
    if not mined.negatives:
        names = " and ".join(pool.name for pool, _ in searched)  # no path: it may be a server's
        raise InvalidInput(
            f"pool: {names}: {counted(mined.candidates, 'picture')}, none but of {concept.name} "
            "itself; name a larger folder",
            reason="POOL_EMPTY",
            field="pool",
        )
    return mined


def write_negatives(mined: Mined, out: Path) -> None:
    """Write the negatives of a concept as a folder that `datasets` loads as it is.

    `OUT/NAME/0001.jpg` and so on, upright and without metadata, the most alike first; beside them
    `metadata.jsonl` with the pool, the file in it, and the similarity of each. What was there from
    an earlier run is replaced.

    Raises:
        Refused: The folder is there and holds something else, or can't be written.
    """
    folder, part = out / mined.concept, out / f".{mined.concept}.part"
    if folder.exists() and not (folder / _METADATA).is_file():
        raise Refused(
            f"out: {folder} holds something else; name another folder",
            reason="FOLDER_TAKEN",
            field="out",
        )
    shutil.rmtree(part, ignore_errors=True)
    lines = []
    for number, one in enumerate(mined.negatives, start=1):
        name = f"{number:04d}.jpg"
        write_whole(part / name, jpeg(open_picture(one.file, "pool")))
        line = {
            "file_name": name,
            "pool": one.pool.name,
            "source": one.file.relative_to(one.pool.folder).as_posix(),
            "similarity": round(one.similarity, 4),
        }
        lines.append(json.dumps(line, ensure_ascii=False))
    write_whole(part / _METADATA, ("\n".join(lines) + "\n").encode())
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _draw(concept: Concept, pool: Pool) -> NDArray[np.intp]:
    """Rows of a further pool: for one concept always the same ones."""
    rng = np.random.default_rng(zlib.crc32(concept.name.encode()))
    return rng.permutation(len(pool.files))[:EXTRAS]


def _by_likeness(
    searched: Sequence[tuple[Pool, NDArray[np.intp]]], views: Vectors
) -> Iterator[tuple[Negative, Prints]]:
    """Each picture of the pools with its fingerprint, the one nearest to a view first.

    All are compared: a search engine's index would leave some out, and of a concept's views against
    a pool the product is a matter of milliseconds.
    """
    scores = [_similarities(pool.vectors[rows], views) for pool, rows in searched]
    pools = np.repeat(np.arange(len(searched)), [len(rows) for _, rows in searched])
    places = np.concatenate([rows for _, rows in searched])
    every = np.concatenate(scores)
    for i in np.argsort(-every, kind="stable"):
        pool, row = searched[pools[i]][0], places[i]
        yield Negative(pool.files[row], pool, float(every[i])), pool.prints[row]


def _similarities(vectors: Vectors, views: Vectors) -> NDArray[np.float32]:
    """Of each vector to the nearest view."""
    starts = range(0, len(vectors), _BLOCK)
    return np.concatenate([(vectors[i : i + _BLOCK] @ views.T).max(axis=1) for i in starts])


def _pick(
    concept: Concept,
    views: Prints,
    ordered: Iterator[tuple[Negative, Prints]],
    candidates: int,
    count: int,
) -> Mined:
    """The first `count` that are neither the concept nor a copy of something."""
    pictures = {file.resolve() for file in (*concept.train, *concept.test)}
    kept: list[Negative] = []
    prints = np.empty((0, views.shape[1]), np.float32)
    own = copies = repeats = 0
    for one, look in ordered:
        if len(kept) == count:
            break
        if one.file.resolve() in pictures:
            own += 1
        elif near_copies(look[None], views)[0]:
            copies += 1
        elif near_copies(look[None], prints)[0]:
            repeats += 1
        else:
            kept.append(one)
            prints = np.vstack([prints, look])
    return Mined(concept.name, tuple(kept), candidates, own, copies, repeats)
