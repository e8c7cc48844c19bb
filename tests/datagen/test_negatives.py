"""Negatives are the pictures most like a concept that do not show it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from datagen import negatives
from datagen.negatives import EXTRAS, mine, write_negatives
from datagen.pictures import open_picture
from datagen.pool import Pool, index
from kith.errors import InvalidInput, Refused
from tests.datagen.drawn import Counting, drawn, save


@dataclass(frozen=True)
class Someone:
    name: str
    category: str
    train: tuple[Path, ...]
    test: tuple[Path, ...] = ()

    def views(self) -> Iterator[Image.Image]:
        return (open_picture(path, "seeds") for path in self.train)


@pytest.fixture
def counting() -> Counting:
    return Counting()


def pool_of(folder: Path, counting: Counting, pictures: dict[str, Image.Image]) -> Pool:
    for name, picture in pictures.items():
        save(picture, folder / f"{name}.jpg")
    return index(folder, counting.embedder, folder.parent / "cache")


def test_the_most_alike_come_first_and_copies_are_left_out(
    tmp_path: Path, counting: Counting
) -> None:
    view = save(drawn(0), tmp_path / "bo" / "train" / "1.jpg")
    others = {f"{number:02d}": drawn(number) for number in range(1, 20)}
    copies = {"copy": drawn(0), "smaller": drawn(0, (48, 36)), "again": drawn(3, (60, 45))}
    pool = pool_of(tmp_path / "pool", counting, others | copies)
    mined = mine(Someone("bo", "dog", (view,)), counting.embedder, [pool], {}, count=15)
    scores = [one.similarity for one in mined.negatives]
    assert scores == sorted(scores, reverse=True)
    assert len(mined.negatives) == 15
    assert mined.copies == 2
    names = [one.file.stem for one in mined.negatives]
    assert not {"copy", "smaller"} & set(names)
    assert len({"03", "again"} & set(names)) <= 1
    every = (
        counting.embed([drawn(number) for number in range(1, 20)]) @ counting.embed([drawn(0)]).T
    )
    assert scores[0] == pytest.approx(float(every.max()), abs=0.02)


def test_pictures_of_the_concept_in_the_pool_are_no_negatives(
    tmp_path: Path, counting: Counting
) -> None:
    pool = pool_of(tmp_path / "pool", counting, {str(number): drawn(number) for number in range(6)})
    own = Someone("bo", "dog", (pool.files[0],), (pool.files[1],))
    mined = mine(own, counting.embedder, [pool], {})
    assert mined.own == 2
    assert {one.file for one in mined.negatives} == set(pool.files[2:])


def test_a_pool_for_the_category_adds_a_few_always_the_same(
    tmp_path: Path, counting: Counting
) -> None:
    view = save(drawn(0), tmp_path / "mia" / "train" / "1.jpg")
    pool = pool_of(tmp_path / "pool", counting, {str(number): drawn(number) for number in (1, 2)})
    faces = pool_of(tmp_path / "faces", counting, {f"f{n}": drawn(100 + n) for n in range(30)})
    mia = Someone("mia", "person", (view,))
    first = mine(mia, counting.embedder, [pool], {"person": faces})
    again = mine(mia, counting.embedder, [pool], {"person": faces})
    assert first == again
    assert sum(one.pool is faces for one in first.negatives) == EXTRAS
    none = mine(Someone("mia", "mug", (view,)), counting.embedder, [pool], {"person": faces})
    assert all(one.pool is pool for one in none.negatives)


def test_a_pool_of_nothing_but_the_concept_is_refused(tmp_path: Path, counting: Counting) -> None:
    pool = pool_of(tmp_path / "pool", counting, {"1": drawn(1)})
    with pytest.raises(InvalidInput, match="pool: pool: 1 picture, none but of bo itself; name"):
        mine(Someone("bo", "dog", (pool.files[0],)), counting.embedder, [pool], {})


def test_the_folder_holds_each_picture_with_its_score(tmp_path: Path, counting: Counting) -> None:
    view = save(drawn(0), tmp_path / "bo" / "train" / "1.jpg")
    pool = pool_of(
        tmp_path / "pool", counting, {str(number): drawn(number) for number in (1, 2, 3)}
    )
    mined = mine(Someone("bo", "dog", (view,)), counting.embedder, [pool], {})
    for _ in range(2):  # a second time replaces the first
        write_negatives(mined, tmp_path / "out")
    rows = [
        json.loads(line)
        for line in (tmp_path / "out" / "bo" / "metadata.jsonl").read_text().splitlines()
    ]
    assert [row["file_name"] for row in rows] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert [row["source"] for row in rows] == [one.file.name for one in mined.negatives]
    for row in rows:
        assert open_picture(tmp_path / "out" / "bo" / row["file_name"], "out").size == (96, 72)
    assert mined.counts()["kept"] == 3


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path, counting: Counting) -> None:
    view = save(drawn(0), tmp_path / "bo" / "train" / "1.jpg")
    pool = pool_of(tmp_path / "pool", counting, {"1": drawn(1)})
    mined = mine(Someone("bo", "dog", (view,)), counting.embedder, [pool], {})
    save(drawn(5), tmp_path / "out" / "bo" / "holiday.jpg")
    with pytest.raises(Refused, match="holds something else"):
        write_negatives(mined, tmp_path / "out")
    assert (tmp_path / "out" / "bo" / "holiday.jpg").exists()


def test_of_a_hundred_thousand_pictures_those_nearest_to_a_view_come_first() -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((100_000, 64), np.float32)
    views = rng.standard_normal((5, 64), np.float32)
    files = tuple(Path(f"{number}.jpg") for number in range(len(vectors)))
    pool = Pool(
        "many",
        Path(),
        files,
        vectors,
        np.eye(256, dtype=np.float32)[rng.integers(256, size=len(vectors))],
        (),
    )
    found = negatives._by_likeness([(pool, np.arange(len(vectors)))], views)
    nearest = (vectors @ views.T).max(1)
    first = [int(one.file.stem) for (one, _), _ in zip(found, range(200), strict=False)]
    assert first == list(np.argsort(-nearest, kind="stable")[:200])
