"""The masks of a dataset by Playroom are those of its pictures, to the pixel."""

import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from datagen import playroom
from datagen.finished import Finished, open_finished
from datagen.identities import SIZE, Identity, identities
from datagen.layout import Layout
from datagen.locks import WORK
from datagen.playroom_engine import compose
from datagen.playroom_masks import redrawable
from datagen.review.opinions import Opinion, Picture, write_opinion
from kith.errors import InvalidInput, Refused
from tests.datagen.small import Flat, commission, finish, small_layout, tree

Mask = NDArray[np.bool_]


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    return small_layout(tmp_path_factory.mktemp("layout"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """The small dataset, of which a picture was drawn a second time, as it is downloaded."""
    out = tmp_path_factory.mktemp("dataset") / "out"
    ordered = commission(out)
    finish(ordered)
    sha256 = ordered.dataset.records.of("multi/0001").sha256
    write_opinion(out, Picture("multi/0001.jpg", sha256), "ann", Opinion("reject", "BLURRED"))
    finish(ordered)
    shutil.rmtree(out / WORK)
    assert open_finished(out).rows["multi/0001.jpg"]["attempt"] == 1
    return open_finished(out)


@pytest.fixture(scope="module")
def known(layout: Layout) -> dict[str, Identity]:
    return {one.name: one for one in identities(layout, 0)}


@pytest.fixture(scope="module")
def masks(
    dataset: Finished, layout: Layout, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Mask]:
    """By the file of a picture and the name of a concept."""
    out = tmp_path_factory.mktemp("masks") / "masks"
    before = tree(dataset.out)
    written = [mask for picture in redrawable(dataset, layout) for mask in picture.write_masks(out)]
    assert tree(dataset.out) == before
    assert sorted(out.rglob("*.png")) == sorted(one.mask for one in written)
    found = {}
    for one in written:
        with Image.open(one.mask) as image:
            assert (image.mode, image.size) == ("L", (SIZE, SIZE))
            pixels = np.asarray(image)
        assert set(np.unique(pixels)) == {0, 255}
        assert one.share == (pixels == 255).mean()
        alone = f"{one.picture.removesuffix('.jpg')}.png"
        beside = f"{one.picture.removesuffix('.jpg')}/{one.concept}.png"
        several = one.picture.startswith("multi/")
        assert one.mask == out / (beside if several else alone)
        found[one.picture, one.concept] = pixels == 255
    return found


def test_every_concept_of_every_picture_has_a_mask(
    dataset: Finished, masks: dict[tuple[str, str], Mask], known: dict[str, Identity]
) -> None:
    seeds = {
        (path.relative_to(dataset.out).as_posix(), name)
        for name in known
        for path in (dataset.out / "seeds" / name / "train").iterdir()
    }
    drawn = {(file, name) for file, row in dataset.rows.items() for name in row["concepts"]}
    assert set(masks) == seeds | drawn
    assert (len(seeds), len(dataset.rows), len(drawn)) == (10, 11, 16)


def test_a_mask_fills_the_recorded_box_and_nothing_beside_it(
    dataset: Finished, masks: dict[tuple[str, str], Mask]
) -> None:
    for file, row in dataset.rows.items():
        for subject in row["subjects"]:
            mask = masks[file, subject["concept"]]
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            edges = (columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)
            assert subject["box"] == [round(float(edge) / SIZE, 4) for edge in edges]


def test_a_mask_is_that_of_the_picture_drawn_apart(
    dataset: Finished, masks: dict[tuple[str, str], Mask], known: dict[str, Identity]
) -> None:
    for file, row in dataset.rows.items():
        boxes = {known[one["concept"]].drawn: tuple(one["planned_box"]) for one in row["subjects"]}
        picture = playroom.render(compose(boxes, row["seed"]), SIZE)
        for thing in picture.things:
            name = next((one.name for one in known.values() if one.drawn == thing.concept), None)
            if name is not None:
                assert (masks[file, name] == thing.mask).all()


def test_a_mask_covers_the_pixels_that_change_with_the_colour_of_its_concept(
    masks: dict[tuple[str, str], Mask], known: dict[str, Identity]
) -> None:
    for name, one in known.items():
        for number in (0, 1):
            mask = masks[f"seeds/{name}/train/{number + 1:02d}.jpg", name]
            before = one.portrait(number).image.astype(int)
            twins = (playroom.look_alike(one.drawn, 1, chance) for chance in count())
            twin = next(twin for twin in twins if twin.color != one.drawn.color)
            other = replace(one, drawn=twin)
            changed = (np.abs(other.portrait(number).image - before) > 12).any(-1)
            grown, shrunk = ndimage.binary_dilation(mask), ndimage.binary_erosion(mask)
            assert not (changed & ~grown).any()  # at the very edge colours mix
            assert (changed & shrunk).sum() > 0.2 * mask.sum()


def test_a_picture_that_is_another_is_refused(
    dataset: Finished, layout: Layout, tmp_path: Path
) -> None:
    copy = shutil.copytree(dataset.out, tmp_path / "out")
    shutil.copy(copy / "train" / "0002.jpg", copy / "train" / "0001.jpg")
    pictures = redrawable(open_finished(copy), layout)
    (picture,) = (one for one in pictures if one.file == "train/0001.jpg")
    with pytest.raises(
        Refused, match=rf"dataset: {copy}/train/0001\.jpg is not what Playroom draws"
    ):
        list(picture.write_masks(tmp_path / "masks"))
    assert not (tmp_path / "masks").exists()


def test_what_playroom_can_not_draw_again_is_refused(
    dataset: Finished, layout: Layout, tmp_path: Path
) -> None:
    other = small_layout(tmp_path, scenarios=1)
    with pytest.raises(InvalidInput, match=r"split: small is not the layout that .* was made by"):
        redrawable(dataset, other)
    older = replace(dataset.plan, engine={"name": "playroom", "size": 512})
    with pytest.raises(Refused, match="was made by another version of Kith"):
        redrawable(replace(dataset, plan=older), layout)
    ordered = replace(commission(tmp_path / "flat"), engine=Flat())
    flat = replace(ordered.plan, engine=ordered.engine.settings)
    with pytest.raises(InvalidInput, match=r"was drawn by flat, which does not tell .* name --ann"):
        redrawable(replace(dataset, plan=flat), layout)
