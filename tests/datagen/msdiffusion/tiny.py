"""A whole SDXL with random weights, thousands of times smaller than the real one."""

import gzip
from pathlib import Path

import open_clip
import torch
from diffusers import (
    AutoencoderKL,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

from datagen.msdiffusion.adapter import Adapter
from datagen.msdiffusion.checkpoint import save_adapter
from datagen.msdiffusion.grounding import ResamplerSizes
from datagen.msdiffusion.painter import Style

SIZES = ResamplerSizes(
    image_dim=26,
    phrase_dim=12,
    output_dim=32,
    dim=20,
    depth=2,
    heads=5,
    head_dim=4,
    tokens=4,
    frequencies=3,
    expansion=2,
)
STYLE = Style(width=64, height=64, steps=2)


def tiny_unet() -> UNet2DConditionModel:
    """SDXL's three levels, cross-attentions in the last two."""
    return UNet2DConditionModel(
        sample_size=32,
        layers_per_block=1,
        block_out_channels=(8, 16, 24),
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        attention_head_dim=(1, 2, 3),
        cross_attention_dim=SIZES.output_dim,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=6 * 8 + 20,
    ).eval()


def make_tokenizer() -> CLIPTokenizer:
    """CLIP's own tokenizer, whose merges open_clip brings."""
    source = Path(open_clip.__file__).parent / "bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.decompress(source.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    pairs = [tuple(merge.split()) for merge in merges]
    letters = list(open_clip.tokenizer.bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters)]
    words += ["".join(pair) for pair in pairs] + ["<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={word: place for place, word in enumerate(words)},
        merges=pairs,
        model_max_length=77,
    )


def make_image_encoder() -> CLIPVisionModelWithProjection:
    """CLIP's picture side, the same every time."""
    torch.manual_seed(1)
    config = CLIPVisionConfig(
        hidden_size=SIZES.image_dim,
        intermediate_size=32,
        projection_dim=8,
        num_hidden_layers=3,
        num_attention_heads=2,
        image_size=28,
        patch_size=14,
    )
    return CLIPVisionModelWithProjection(config).eval()


def make_pipe(tokenizer: CLIPTokenizer) -> StableDiffusionXLPipeline:
    """The pipeline, the same every time."""
    torch.manual_seed(0)

    def text(width: int, projection: int) -> CLIPTextConfig:
        return CLIPTextConfig(
            vocab_size=49408,
            hidden_size=width,
            intermediate_size=24,
            projection_dim=projection,
            num_hidden_layers=2,
            num_attention_heads=2,
        )

    return StableDiffusionXLPipeline(
        vae=AutoencoderKL(
            block_out_channels=(4, 4),
            norm_num_groups=2,
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
        ).eval(),
        text_encoder=CLIPTextModel(text(SIZES.phrase_dim, 12)).eval(),
        text_encoder_2=CLIPTextModelWithProjection(text(20, 20)).eval(),
        tokenizer=tokenizer,
        tokenizer_2=tokenizer,
        unet=tiny_unet(),
        scheduler=EulerDiscreteScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
        ),
        add_watermarker=False,
    )


def write_models(folder: Path) -> Path:
    """The folder of models that `load_painter` reads."""
    pipe = make_pipe(make_tokenizer())
    pipe.set_progress_bar_config(disable=True)
    pipe.save_pretrained(folder / "sdxl")
    make_image_encoder().save_pretrained(folder / "image_encoder")
    torch.manual_seed(2)
    save_adapter(Adapter(pipe.unet, SIZES), folder / "ms_adapter.safetensors")
    return folder
