"""A small open_clip model of random weights, in the layout model hubs publish."""

import json
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from open_clip.model import CLIP
from PIL import Image
from safetensors.torch import save_file

from services.embedding.clip import ClipEmbedder
from services.runtime.profile import EncoderSpec

MODEL = {
    "embed_dim": 32,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "layers": 2, "width": 64, "head_width": 32},
    "text_cfg": {
        "context_length": 24, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def spec(tmp_path_factory: pytest.TempPathFactory) -> EncoderSpec:
    folder = tmp_path_factory.mktemp("clip")
    config = {"model_cfg": MODEL, "preprocess_cfg": {"resize_mode": "squash"}}
    (folder / "open_clip_config.json").write_text(json.dumps(config), encoding="utf-8")
    model = CLIP(**MODEL)
    rng = torch.Generator().manual_seed(11)
    weights = {
        name: (torch.randn(value.shape, generator=rng) * 0.1).half()
        for name, value in model.state_dict().items()
    }
    save_file(weights, folder / "open_clip_model.safetensors")
    return EncoderSpec(
        "tiny", folder / "open_clip_config.json", folder / "open_clip_model.safetensors", "", 32
    )


@pytest.fixture(scope="session")
def embedder(spec: EncoderSpec) -> Iterator[ClipEmbedder]:
    embedder = ClipEmbedder(spec)
    yield embedder
    embedder.close()


@pytest.fixture
def pictures() -> list[Image.Image]:
    rng = np.random.default_rng(7)
    sizes = [(20 + 3 * n, 60 - n) for n in range(40)]
    return [Image.fromarray(rng.integers(0, 255, (h, w, 3), np.uint8)) for w, h in sizes]
