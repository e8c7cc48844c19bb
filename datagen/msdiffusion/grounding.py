"""The grounding resampler: from what is seen of a subject to the tokens that stand for it.

MS-Diffusion (ICLR 2025), section 3.2; thesis 3.4.2. The names of modules are those of the
published checkpoint.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention


@dataclass(frozen=True)
class ResamplerSizes:
    """The resampler's numbers; by default those of the published checkpoint."""

    image_dim: int = 1664
    """Numbers a patch that the image encoder gives: CLIP ViT-bigG/14."""
    phrase_dim: int = 768
    """Numbers a phrase: the pooled output of SDXL's first text encoder."""
    output_dim: int = 2048
    """Numbers a token that SDXL's cross-attentions read."""
    dim: int = 1280
    depth: int = 4
    heads: int = 20
    head_dim: int = 64
    tokens: int = 16
    """Tokens that stand for one subject."""
    frequencies: int = 8
    expansion: int = 4


class GroundingResampler(nn.Module):
    """Reads a subject's patches with queries made of its phrase and its box.

    Each subject is read by itself: nothing of one gets into the tokens of another.
    """

    def __init__(self, sizes: ResamplerSizes) -> None:
        super().__init__()
        self.sizes = sizes
        grounding_dim = sizes.phrase_dim + sizes.frequencies * 2 * 4  # sine, cosine; four corners
        self.grounding_latents = nn.Parameter(
            torch.randn(1, sizes.tokens, sizes.dim) / sizes.dim**0.5
        )
        self.latent_proj = nn.Sequential(
            nn.Linear(grounding_dim, grounding_dim * 2),
            nn.GELU(),
            nn.Linear(grounding_dim * 2, sizes.tokens * sizes.dim),
        )
        self.latent_norm = nn.LayerNorm(sizes.dim)
        self.proj_in = nn.Linear(sizes.image_dim, sizes.dim)
        self.layers = nn.ModuleList(
            nn.ModuleList([_Attention(sizes), _feed_forward(sizes)]) for _ in range(sizes.depth)
        )
        self.attention_norm = nn.LayerNorm(sizes.dim)
        self.proj_out = nn.Linear(sizes.dim, sizes.output_dim)
        self.norm_out = nn.LayerNorm(sizes.output_dim)

    def forward(self, patches: Tensor, phrases: Tensor, boxes: Tensor, grounded: Tensor) -> Tensor:
        """The tokens of N subjects.

        Args:
            patches: [N, patches, image_dim], from the image encoder's last layer but one.
            phrases: [N, phrase_dim], the pooled embedding of what each subject is called.
            boxes: [N, 4], x1, y1, x2, y2 in unit coordinates.
            grounded: bool [N]. Where False, phrase and box are left out: the queries are the
                learned ones, as for a subject without a place.

        Returns:
            [N, tokens, output_dim].
        """
        where = box_embedding(boxes, self.sizes.frequencies).to(phrases.dtype)
        queries = self.latent_proj(torch.cat([phrases, where], dim=-1))
        queries = self.latent_norm(queries.unflatten(-1, (self.sizes.tokens, self.sizes.dim)))
        latents = torch.where(grounded[:, None, None], queries, self.grounding_latents)
        seen = self.proj_in(patches)
        for layer in self.layers:
            assert isinstance(layer, nn.ModuleList)
            attention, feed_forward = layer
            latents = latents + attention(seen, latents)
            latents = latents + feed_forward(latents)
        tokens: Tensor = self.norm_out(self.proj_out(self.attention_norm(latents)))
        return tokens


def box_embedding(boxes: Tensor, frequencies: int) -> Tensor:
    """Sines and cosines of box corners: [N, 4] to [N, frequencies * 8].

    Frequencies are 100^(i / frequencies), without the usual 2 pi. The order is frequency, then
    sine before cosine, then x1, y1, x2, y2.
    """
    powers = torch.arange(frequencies, device=boxes.device) / frequencies
    angles = (100.0**powers)[None, :, None] * boxes[:, None, :]
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


class _Attention(nn.Module):
    """The queries look at the patches and at themselves."""

    def __init__(self, sizes: ResamplerSizes) -> None:
        super().__init__()
        inner = sizes.heads * sizes.head_dim
        self.heads = sizes.heads
        self.norm1 = nn.LayerNorm(sizes.dim)
        self.norm2 = nn.LayerNorm(sizes.dim)
        self.to_q = nn.Linear(sizes.dim, inner, bias=False)
        self.to_kv = nn.Linear(sizes.dim, inner * 2, bias=False)
        self.to_out = nn.Linear(inner, sizes.dim, bias=False)

    def forward(self, patches: Tensor, latents: Tensor) -> Tensor:
        latents = self.norm2(latents)
        seen = torch.cat([self.norm1(patches), latents], dim=1)
        query = split_heads(self.to_q(latents), self.heads)
        key, value = (split_heads(each, self.heads) for each in self.to_kv(seen).chunk(2, dim=-1))
        looked = scaled_dot_product_attention(query, key, value)
        out: Tensor = self.to_out(merge_heads(looked))
        return out


def _feed_forward(sizes: ResamplerSizes) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(sizes.dim),
        nn.Linear(sizes.dim, sizes.dim * sizes.expansion, bias=False),
        nn.GELU(),
        nn.Linear(sizes.dim * sizes.expansion, sizes.dim, bias=False),
    )


def split_heads(x: Tensor, heads: int) -> Tensor:
    """[B, N, heads * D] to [B, heads, N, D]."""
    split: Tensor = x.unflatten(-1, (heads, -1))
    return split.transpose(1, 2)


def merge_heads(x: Tensor) -> Tensor:
    """[B, heads, N, D] to [B, N, heads * D]."""
    return x.transpose(1, 2).flatten(2)
