"""The folder of the full-size profile in its published sizes, with random numbers for weights.

``python -m tests.bench.full_size DIR``, then ``KITH_BENCH_WEIGHTS=DIR make bench PYTEST=...``: what
the shapes cost on a machine, without the models. The detector is made sure of so many boxes of the
benchmarks' photo as real ones find in a photo; which, and what is said of them, means nothing.
"""

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from transformers import (
    CLIPVisionConfig,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
)

from services.assistant.regions import without_doubles
from services.runtime.device import best_device
from services.runtime.profile import Profile
from tests.bench.bare import BareModels
from tests.bench.world import CATEGORIES, photo
from tests.end_to_end.conftest import write_clip
from tests.generation.tiny import write_processor

REGIONS: Final = 8
"""Things that the detector finds in the photo."""


def write_full_size(folder: Path) -> None:
    """Writes YOLOv8x-World, CLIP ViT-L/14-336 and ViT-B/32, and LLaVA-1.5-7B: 16 GB."""
    folder.mkdir(parents=True)
    profile = Profile.load("full", folder)
    assert profile.detector_text is not None
    write_clip(profile.embedder.weights.parent, profile.embedder.dim, "ViT-L-14-336-quickgelu")
    write_clip(profile.detector_text.weights.parent, 512, "ViT-B-32-quickgelu")
    _write_detector(profile)
    _write_llava(profile.generator.directory)


def _write_detector(profile: Profile) -> None:
    from ultralytics import YOLOWorld

    weights = profile.detector.weights
    model = YOLOWorld("yolov8x-worldv2.yaml")
    _spread(model.model, profile.detector.image_size)
    model.save(weights)
    unsure = replace(profile, detector=replace(profile.detector, confidence=0.0))
    (found,) = BareModels(unsure).detect([photo()], list(CATEGORIES.values()))
    last, next_one = (
        _logit(one.score) for one in without_doubles(found)[REGIONS - 1 : REGIONS + 1]
    )
    shift = _logit(profile.detector.confidence) - (last + next_one) / 2
    for contrast in model.model.model[-1].cv4:
        contrast.bias.data += shift
    model.save(weights)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def _spread(network: torch.nn.Module, side: int) -> None:
    """Has an untrained network tell places apart: normalised by what it sees in the photo."""
    for layer in network.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            layer.momentum = 1.0
    pixels = np.asarray(photo().resize((side, side)), np.float32) / 255
    with torch.no_grad():
        network.train()(torch.from_numpy(pixels).permute(2, 0, 1)[None])
    network.eval()


def _write_llava(folder: Path) -> None:
    tokenizer = write_processor(folder, 336, 14)
    sizes = LlavaConfig(
        vision_config=CLIPVisionConfig(
            hidden_size=1024, intermediate_size=4096, num_hidden_layers=24,
            num_attention_heads=16, image_size=336, patch_size=14, projection_dim=768,
        ),
        text_config=LlamaConfig(
            vocab_size=32064, max_position_embeddings=4096, rms_norm_eps=1e-5,
            bos_token_id=1, eos_token_id=2, pad_token_id=0,
        ),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    usual = torch.get_default_dtype()
    torch.set_default_dtype(torch.float16)
    try:
        with torch.device(best_device()):
            LlavaForConditionalGeneration(sizes).save_pretrained(folder)
    finally:
        torch.set_default_dtype(usual)


if __name__ == "__main__":
    write_full_size(Path(sys.argv[1]))
