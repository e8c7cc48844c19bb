"""MS-Diffusion from a folder of models: nothing is fetched, and nothing in a file is run.

MODELS/sdxl/                     SDXL base 1.0, as model hubs publish it
MODELS/image_encoder/            CLIP ViT-bigG/14
MODELS/ms_adapter.safetensors    MS-Diffusion; or the published ms_adapter.bin
"""

import hashlib
from pathlib import Path
from typing import Any, Final

import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import is_accelerate_available
from diffusers.utils import logging as diffusers_logging
from safetensors import SafetensorError
from transformers import CLIPVisionModelWithProjection
from transformers.utils import logging as transformers_logging

from datagen.msdiffusion.checkpoint import PUBLISHED_NAME, load_adapter
from datagen.msdiffusion.fingerprint import fingerprint
from datagen.msdiffusion.painter import Painter, Style
from datagen.plan import Settings
from kith.errors import Refused

SDXL: Final = "sdxl"
IMAGE_ENCODER: Final = "image_encoder"
ADAPTER: Final = "ms_adapter.safetensors"


def load_painter(models: Path) -> tuple[Painter, Style, Settings]:
    """A painter, the style of its pipeline's own size, and what tells its models from others.

    With a GPU it works in bfloat16, else in float32.

    Raises:
        Refused: A model is missing, unreadable, or does not fit the others.
    """
    for name in (SDXL, IMAGE_ENCODER):
        if not (models / name).is_dir():
            raise _missing(f"there is no folder {models / name}")
    adapter = models / ADAPTER
    if not adapter.is_file():
        adapter = models / PUBLISHED_NAME
    if not adapter.is_file():
        raise _missing(f"{models} has neither {ADAPTER} nor {PUBLISHED_NAME}")
    device, dtype = (
        ("cuda", torch.bfloat16) if torch.cuda.is_available() else ("cpu", torch.float32)
    )
    pipe = _load(
        StableDiffusionXLPipeline,
        models / SDXL,
        dtype,
        add_watermarker=False,
        low_cpu_mem_usage=is_accelerate_available(),  # it complains where that is missing
    ).to(device)
    encoder = _load(CLIPVisionModelWithProjection, models / IMAGE_ENCODER, dtype).to(device)
    side = pipe.unet.config.sample_size * pipe.vae_scale_factor
    painter = Painter(pipe, encoder.eval(), load_adapter(adapter, pipe.unet))
    with adapter.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    known: Settings = {
        "adapter": digest,
        "models": fingerprint(models / SDXL, models / IMAGE_ENCODER),
        "dtype": str(dtype).removeprefix("torch."),
    }
    return painter, Style(width=side, height=side), known


def _load(model: Any, folder: Path, dtype: torch.dtype, **options: object) -> Any:  # noqa: ANN401
    """A model of diffusers or transformers, whose types we skip."""
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        return model.from_pretrained(
            folder, torch_dtype=dtype, use_safetensors=True, local_files_only=True, **options
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        why = str(error).strip().splitlines() or [type(error).__name__]
        raise Refused(
            f"models: can't load {folder}: {why[0]}; fetch it again, as safetensors",
            reason="WEIGHTS_UNREADABLE",
            field="models",
        ) from error


def _missing(what: str) -> Refused:
    return Refused(
        f"models: {what}; it must hold {SDXL}, {IMAGE_ENCODER} and {ADAPTER}",
        reason="WEIGHTS_MISSING",
        field="models",
    )
