"""Deployments of small models with random weights: every real class and file, in seconds."""

import hashlib
import json
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file

from services.runtime.profile import DetectorSpec, EmbedderSpec, EncoderSpec, Profile
from tests.generation.tiny import write_llava

SIDE = 64


def write_clip(folder: Path, dim: int, published: str | None = None) -> tuple[Path, Path]:
    """An open_clip model: its configuration and its weights.

    Args:
        folder: Where to.
        dim: Of its vectors.
        published: The name that open_clip knows it by; None for one as small as it gets.
    """
    vision = {"image_size": 32, "patch_size": 8, "layers": 1, "width": 32, "head_width": 16}
    text = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1}
    model = {"embed_dim": dim, "vision_cfg": vision, "text_cfg": text}
    if published:
        model = open_clip.get_model_config(published)
    folder.mkdir(parents=True)
    config, weights = folder / "open_clip_config.json", folder / "open_clip_model.safetensors"
    config.write_text(json.dumps({"model_cfg": model}), encoding="utf-8")
    rng = torch.Generator().manual_seed(5)
    with torch.device("meta"):
        state = CLIP(**model).state_dict()
    scale = 0.02 if published else 0.3
    save_file({k: torch.randn(v.shape, generator=rng) * scale for k, v in state.items()}, weights)
    return config, weights


def write_detector(folder: Path, *, open_vocabulary: bool) -> DetectorSpec:
    """An Ultralytics checkpoint that finds something everywhere, and is sure of nothing."""
    from ultralytics import YOLO, YOLOWorld

    folder.mkdir(parents=True)
    path = folder / "detector.pt"
    if open_vocabulary:
        model = YOLOWorld("yolov8s-worldv2.yaml")
        for contrast in model.model.model[-1].cv4:
            contrast.bias.data.fill_(-1.0)
            contrast.logit_scale.data.fill_(2.0)
    else:
        model = YOLO("yolo11n.yaml", verbose=False)
        model.model.names = dict(enumerate(["dog", "mug", *(f"thing {n}" for n in range(78))]))
    model.save(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return DetectorSpec(path, digest, SIDE, open_vocabulary, confidence=1e-4, max_detections=5)


def make_profile(root: Path, *, open_vocabulary: bool) -> Profile:
    config, weights = write_clip(root / "clip", 16)
    text = write_clip(root / "text", 512) if open_vocabulary else None
    (root / "llava").mkdir()
    return Profile(
        name="tiny",
        device="cpu",
        detector=write_detector(root / "detector", open_vocabulary=open_vocabulary),
        embedder=EmbedderSpec(
            "tiny", config, weights, "", 16, stranger_distance=0.7, distance_scale=0.1
        ),
        generator=write_llava(root / "llava"),
        detector_text=EncoderSpec("words", *text, "", 512) if text else None,
    )


@pytest.fixture(scope="session")
def fixed_profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return make_profile(tmp_path_factory.mktemp("fixed"), open_vocabulary=False)


@pytest.fixture(scope="session")
def open_profile(tmp_path_factory: pytest.TempPathFactory) -> Profile:
    return make_profile(tmp_path_factory.mktemp("open"), open_vocabulary=True)
