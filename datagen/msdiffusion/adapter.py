"""The adapter: all that MS-Diffusion adds to SDXL, in one module."""

import torch
from diffusers import UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import nn

from datagen.msdiffusion.attention import Projections, SubjectAttention
from datagen.msdiffusion.grounding import GroundingResampler, ResamplerSizes

DUMMY_TOKENS = 4


class Adapter(nn.Module):
    """The resampler and one pair of projections for each cross-attention of a U-Net.

    Its parameters bear the names of the published checkpoint: `image_proj.*`;
    `ms_adapter.{i}.to_k_ip.weight`, i counting the U-Net's attention layers, where every second
    one is a cross-attention; `dummy_image_tokens`, which are kept for the file's sake and have no
    effect (see `SubjectAttention`).

    Args:
        unet: SDXL's, whose parameters stay as they are.
        sizes: The resampler's.
    """

    def __init__(self, unet: UNet2DConditionModel, sizes: ResamplerSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.image_proj = GroundingResampler(sizes)
        self.ms_adapter = nn.ModuleDict(
            {
                str(index): Projections(sizes.output_dim, layer.to_q.out_features)
                for index, layer in _cross_attentions(unet).items()
            }
        )
        self.dummy_image_tokens = nn.Parameter(torch.randn(1, DUMMY_TOKENS, sizes.output_dim))

    def install(self, unet: UNet2DConditionModel) -> None:
        """Lets the U-Net's cross-attentions look at subjects, where a call names some."""
        for index, layer in _cross_attentions(unet).items():
            projections = self.ms_adapter[str(index)]
            assert isinstance(projections, Projections)
            layer.set_processor(SubjectAttention(projections, index))


def _cross_attentions(unet: UNet2DConditionModel) -> dict[int, Attention]:
    """The U-Net's cross-attentions by their number among all its attention layers."""
    return {
        index: unet.get_submodule(name.removesuffix(".processor"))
        for index, name in enumerate(unet.attn_processors)
        if name.endswith("attn2.processor")
    }
