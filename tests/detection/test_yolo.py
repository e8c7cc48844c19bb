"""The detector finds what it is asked for, in the photo, and nothing of another caller's."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused
from services.detection.yolo import YoloDetector
from services.runtime.profile import DetectorSpec
from services.runtime.types import Detection

from .conftest import WORDS, text_vectors


async def test_regions_lie_in_the_photo_and_come_most_certain_first(
    fixed: YoloDetector, photo: Image.Image
) -> None:
    found = await fixed.detect(photo, [])
    assert found
    for (x1, y1, x2, y2), _, score in found:
        assert 0 <= x1 < x2 <= photo.width
        assert 0 <= y1 < y2 <= photo.height
        assert 0 < score <= 1
    assert [d.score for d in found] == sorted((d.score for d in found), reverse=True)


async def test_a_fixed_vocabulary_is_told_in_the_models_order(fixed: YoloDetector) -> None:
    words = await fixed.vocabulary()
    assert words[:3] == tuple(WORDS)
    assert len(words) == 80


async def test_only_the_asked_categories_are_found_in_the_askers_spelling(
    fixed: YoloDetector, photo: Image.Image
) -> None:
    best = (await fixed.detect(photo, []))[0]
    found = await fixed.detect(photo, [best.category.upper(), "zeppelin"])
    assert {d.category for d in found} == {best.category.upper()}
    assert found[0].box == best.box


async def test_a_word_outside_a_fixed_vocabulary_finds_nothing(
    fixed: YoloDetector, photo: Image.Image
) -> None:
    assert await fixed.detect(photo, ["zeppelin"]) == []


async def test_an_open_vocabulary_takes_any_word(opened: YoloDetector, photo: Image.Image) -> None:
    assert await opened.vocabulary() == ()
    found = await opened.detect(photo, ["zeppelin", "teapot", "zeppelin"])
    assert found
    assert {d.category for d in found} <= {"zeppelin", "teapot"}


async def test_an_open_vocabulary_without_words_uses_those_of_the_checkpoint(
    opened: YoloDetector, photo: Image.Image
) -> None:
    assert await opened.detect(photo, [])


def assert_alike(found: list[Detection], alone: list[Detection]) -> None:
    """The same regions; a batch may round the last digits otherwise."""
    assert [region.category for region in found] == [region.category for region in alone]
    for one, other in zip(found, alone, strict=True):
        assert one.box == pytest.approx(other.box, abs=0.01)
        assert one.score == pytest.approx(other.score, abs=1e-5)


class Batches:
    """An observer that keeps how many photos went through the network together."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def waited(self, model: str, seconds: float) -> None: ...

    def computed(self, model: str, seconds: float, items: int) -> None:
        self.sizes.append(items)

    def refused(self, model: str) -> None: ...


OPEN_WORDS = [["dog"], ["zeppelin", "lantern", "vase"], ["cup", "cat"]]
FIXED_WORDS = [[*WORDS], [f"thing {n}" for n in range(40)], [f"thing {n}" for n in range(40, 77)]]


@pytest.mark.parametrize(("kind", "asked"), [("opened", OPEN_WORDS), ("fixed", FIXED_WORDS)])
async def test_callers_with_different_words_never_see_each_others(
    kind: str, asked: list[list[str]], photo: Image.Image, request: pytest.FixtureRequest
) -> None:
    detector: YoloDetector = request.getfixturevalue(kind)
    alone = [await detector.detect(photo, words) for words in asked]
    together = await asyncio.gather(*(detector.detect(photo, words) for words in asked * 3))
    for number, found in enumerate(together):
        assert {region.category for region in found} <= set(asked[number % 3])
        assert_alike(found, alone[number % 3])
    assert any(alone)


async def test_the_order_of_an_open_vocabularys_words_changes_nothing(
    opened: YoloDetector, photo: Image.Image
) -> None:
    words = ["zeppelin", "lantern", "vase"]
    assert await opened.detect(photo, words) == await opened.detect(photo, words[::-1])


@pytest.mark.parametrize("open_vocabulary", [False, True])
async def test_a_photo_has_the_same_regions_alone_and_in_any_batch(
    closed: DetectorSpec, world: DetectorSpec, open_vocabulary: bool
) -> None:
    batches = Batches()
    spec = world if open_vocabulary else closed
    detector = YoloDetector(spec, text_vectors=text_vectors, observer=batches)
    rng = np.random.default_rng(3)
    # Of one proportion, of another, and in between: some share a batch, some don't.
    sizes = [(90, 140), (180, 280), (45, 70), (140, 90), (100, 100), (90, 139), (5, 300)] * 2
    photos = [Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)) for size in sizes]
    words = ["dog", "cat"] if open_vocabulary else []
    alone = [await detector.detect(photo, words) for photo in photos]
    assert set(batches.sizes) == {1}
    together = await asyncio.gather(*(detector.detect(photo, words) for photo in photos))
    detector.close()
    assert max(batches.sizes) > 1
    assert any(alone)
    for found, expected in zip(together, alone, strict=True):
        assert_alike(found, expected)


async def test_it_finds_what_ultralytics_own_way_of_predicting_finds(
    closed: DetectorSpec, fixed: YoloDetector, photo: Image.Image
) -> None:
    from ultralytics import YOLO

    (result,) = YOLO(str(closed.weights)).predict(
        photo, imgsz=64, conf=closed.confidence, iou=closed.iou, max_det=20, verbose=False
    )
    found = await fixed.detect(photo, [])
    assert len(found) == len(result.boxes) > 0
    for region, row in zip(found, result.boxes.data.tolist(), strict=True):
        assert [*region.box, region.score] == pytest.approx(row[:5], abs=1e-3)


async def test_the_text_encoder_is_asked_once_a_word(
    world: DetectorSpec, photo: Image.Image
) -> None:
    asked: list[str] = []

    async def counting(words: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(words)
        return await text_vectors(words)

    detector = YoloDetector(world, text_vectors=counting)
    await detector.detect(photo, ["cup", "vase"])
    await detector.detect(photo, ["vase", "lamp"])
    detector.close()
    assert asked == ["cup", "vase", "lamp"]


async def test_other_models_keep_their_threads(
    closed: DetectorSpec, photo: Image.Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = torch.get_num_threads()
    changes: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", changes.append)
    detector = YoloDetector(closed)
    assert changes[-1] == before
    changes.clear()
    await detector.detect(photo, [])
    detector.close()
    assert changes == []


def test_an_open_vocabulary_without_a_text_encoder_is_refused(world: DetectorSpec) -> None:
    with pytest.raises(Refused, match="detector_text"):
        YoloDetector(world)


def test_a_checkpoint_of_the_other_kind_is_refused(
    closed: DetectorSpec, world: DetectorSpec
) -> None:
    with pytest.raises(Refused, match="no open-vocabulary detector"):
        YoloDetector(replace(closed, open_vocabulary=True), text_vectors=text_vectors)
    with pytest.raises(Refused, match="no fixed-vocabulary detector"):
        YoloDetector(replace(world, open_vocabulary=False))


def test_an_unpinned_pickle_is_refused(closed: DetectorSpec) -> None:
    with pytest.raises(Refused) as refusal:
        YoloDetector(replace(closed, sha256=""))
    assert refusal.value.reason == "WEIGHTS_NOT_TRUSTED"


def test_everybody_else_opens_pictures_as_before() -> None:
    """Ultralytics takes over `Image.open`, which then fails on what is no picture as on a bug."""
    told = (
        "import io; from PIL import Image, UnidentifiedImageError\n"
        "from services.detection.yolo import YoloDetector\n"
        "from services.runtime.profile import Profile\n"
        "opener = Image.open\n"
        "YoloDetector(Profile.load('pocket').detector)\n"
        "assert Image.open is opener\n"
        "try: Image.open(io.BytesIO(b'rubbish'))\n"
        "except UnidentifiedImageError: print('as before')\n"
    )
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=False)
    assert done.stdout == "as before\n", done.stderr
