"""The detector, on small networks of random weights in the published file format."""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kith.errors import Refused
from services.detection.yolo import YoloDetector
from services.runtime.profile import DetectorSpec

WORDS = ["dog", "cat", "plush toy"]


async def text_vectors(words: Sequence[str]) -> NDArray[np.float32]:
    """A vector a word, the same each time, as a text encoder would give."""
    seeds = [int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big") for word in words]
    rows = np.stack([np.random.default_rng(seed).standard_normal(512) for seed in seeds])
    unit: NDArray[np.float32] = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("f4")
    return unit


def spec_of(path: Path, *, open_vocabulary: bool) -> DetectorSpec:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return DetectorSpec(path, digest, 64, open_vocabulary, confidence=0.0001, max_detections=20)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> DetectorSpec:
    from ultralytics import YOLO

    model = YOLO("yolo11n.yaml", verbose=False)
    model.model.names = dict(enumerate([*WORDS, *(f"thing {n}" for n in range(77))]))
    path = tmp_path_factory.mktemp("closed") / "tiny.pt"
    model.save(path)
    return spec_of(path, open_vocabulary=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> DetectorSpec:
    from ultralytics import YOLOWorld

    path = tmp_path_factory.mktemp("world") / "tiny-worldv2.pt"
    model = YOLOWorld("yolov8s-worldv2.yaml")
    head = model.model.model[-1]
    for contrast in head.cv4:  # a random head answers 0 everywhere; these biases make it speak
        contrast.bias.data.fill_(-1.0)
        contrast.logit_scale.data.fill_(2.0)
    model.save(path)
    return spec_of(path, open_vocabulary=True)


@pytest.fixture(scope="module")
def fixed(closed: DetectorSpec) -> Iterator[YoloDetector]:
    detector = YoloDetector(closed)
    yield detector
    detector.close()


@pytest.fixture(scope="module")
def opened(world: DetectorSpec) -> Iterator[YoloDetector]:
    detector = YoloDetector(world, text_vectors=text_vectors)
    yield detector
    detector.close()


@pytest.fixture
def photo() -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 255, (90, 140, 3), np.uint8)
    return Image.fromarray(pixels)


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


async def test_callers_with_different_words_never_see_each_others(
    opened: YoloDetector, photo: Image.Image
) -> None:
    asked = [["dog"], ["zeppelin", "lantern", "vase"], ["cup", "cat"]] * 3
    alone = [await opened.detect(photo, words) for words in asked]
    together = await asyncio.gather(*(opened.detect(photo, words) for words in asked))
    assert list(together) == alone
    assert len({str(found) for found in together}) == 3


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
    assert refusal.value.reason == "WEIGHTS_NOT_PINNED"
