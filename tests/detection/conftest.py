"""Small detectors of random weights, in the published file format."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

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


@pytest.fixture(scope="session")
def closed(tmp_path_factory: pytest.TempPathFactory) -> DetectorSpec:
    from ultralytics import YOLO

    model = YOLO("yolo11n.yaml", verbose=False)
    model.model.names = dict(enumerate([*WORDS, *(f"thing {n}" for n in range(77))]))
    path = tmp_path_factory.mktemp("closed") / "tiny.pt"
    model.save(path)
    return spec_of(path, open_vocabulary=False)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def fixed(closed: DetectorSpec) -> Iterator[YoloDetector]:
    detector = YoloDetector(closed)
    yield detector
    detector.close()


@pytest.fixture(scope="session")
def opened(world: DetectorSpec) -> Iterator[YoloDetector]:
    detector = YoloDetector(world, text_vectors=text_vectors)
    yield detector
    detector.close()


@pytest.fixture
def photo() -> Image.Image:
    pixels = np.random.default_rng(5).integers(0, 255, (90, 140, 3), np.uint8)
    return Image.fromarray(pixels)
