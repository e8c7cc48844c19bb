"""MS-Diffusion with random weights."""

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image
from transformers import CLIPTokenizer, CLIPVisionModelWithProjection

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.painter import Painter
from tests.datagen.msdiffusion.tiny import SIZES, make_image_encoder, make_pipe, make_tokenizer


@pytest.fixture(scope="session")
def tokenizer() -> CLIPTokenizer:
    return make_tokenizer()


@pytest.fixture(scope="session")
def image_encoder() -> CLIPVisionModelWithProjection:
    return make_image_encoder()


@pytest.fixture
def pipe(tokenizer: CLIPTokenizer) -> StableDiffusionXLPipeline:
    pipe = make_pipe(tokenizer)
    pipe.set_progress_bar_config(disable=True)
    return pipe


@pytest.fixture
def adapter(pipe: StableDiffusionXLPipeline) -> Adapter:
    torch.manual_seed(2)
    return Adapter(pipe.unet, SIZES)


@pytest.fixture
def painter(
    pipe: StableDiffusionXLPipeline, image_encoder: CLIPVisionModelWithProjection, adapter: Adapter
) -> Painter:
    return Painter(pipe, image_encoder, adapter)


@pytest.fixture
def photos() -> list[Image.Image]:
    """Four pictures that differ."""
    random = np.random.default_rng(3)
    return [Image.fromarray(random.integers(0, 256, (40, 30, 3), dtype=np.uint8)) for _ in range(4)]
