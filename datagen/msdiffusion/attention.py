"""Multi-subject cross-attention: in its place, a subject's tokens are looked at beside the text.

MS-Diffusion (ICLR 2025), section 3.3; thesis 3.4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from diffusers.models.attention_processor import Attention
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from datagen.msdiffusion.attended import AttendedPlaces
from datagen.msdiffusion.grounding import merge_heads, split_heads


class Sight(NamedTuple):
    """Which tokens each cell looks at."""

    allowed: Tensor
    """bool [B, cells, R * tokens]. A background cell, which looks at nothing, is all True here,
    since a softmax over nothing has no value."""
    foreground: Tensor
    """bool [B, cells]: where there is a subject at all."""


def sight(visible: Tensor, tokens: int) -> Sight:
    """Of bool [B, cells, R], with `tokens` tokens for each of the R subjects."""
    foreground = visible.any(dim=-1)
    allowed = visible.repeat_interleave(tokens, dim=-1) | ~foreground[..., None]
    return Sight(allowed, foreground)


@dataclass(frozen=True)
class SubjectPrompt:
    """What every cross-attention is told of the subjects of B pictures, R in each.

    A picture with fewer is filled up with subjects that are visible nowhere.
    """

    tokens: Tensor
    """[B, R * tokens a subject, output_dim]."""
    scales: Tensor
    """[B, R]: how strongly each subject counts beside the text."""
    visible: Mapping[int, Tensor]
    """By the number of cells of a layer's grid: bool [B, cells, R], where a box is."""
    seen: Mapping[int, Sight]
    """The same, made up for the attention once instead of at every step."""
    attended: AttendedPlaces | None
    """Finds the places of subjects without a box; None when all have one."""


class Projections(nn.Module):
    """Keys and values of one cross-attention for subject tokens; named as published."""

    def __init__(self, token_dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.to_k_ip = nn.Linear(token_dim, hidden_dim, bias=False)
        self.to_v_ip = nn.Linear(token_dim, hidden_dim, bias=False)


class SubjectAttention:
    """Cross-attention with subjects, an attention processor of diffusers.

    Out = W_out (text + scale_r * image_r), where image is zero outside the subjects' places; cells
    in several places look at all of those subjects. The projections belong to the adapter: the
    U-Net holds its own parameters and no others.

    The published model has four dummy tokens for the background. Background cells get zero
    whatever those hold, and other cells do not look at them, so there are none here.

    Args:
        projections: For the subject tokens.
        layer: Which of the U-Net's layers this is.
    """

    def __init__(self, projections: Projections, layer: int) -> None:
        self._projections = projections
        self._layer = layer

    # `ip_hidden_states` is the name under which diffusers passes tokens of pictures: layers that
    # do not know it, the self-attentions, are left in peace; any other name draws a warning each.
    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor,
        attention_mask: Tensor | None = None,
        ip_hidden_states: SubjectPrompt | None = None,
    ) -> Tensor:
        """[rows, cells, hidden] to the same.

        With guidance there are twice as many rows as pictures; the first half is the
        unconditional one and shows no subject.
        """
        assert attention_mask is None, "SDXL hides no text from its layers"
        query = split_heads(attn.to_q(hidden_states), attn.heads)
        key = split_heads(attn.to_k(encoder_hidden_states), attn.heads)
        value = split_heads(attn.to_v(encoder_hidden_states), attn.heads)
        out = scaled_dot_product_attention(query, key, value)
        if (subjects := ip_hidden_states) is not None:
            pictures = len(subjects.tokens)
            image = self._image(attn.heads, query[-pictures:], key[-pictures:], subjects)
            out = torch.cat([out[:-pictures], out[-pictures:] + image])
        projected: Tensor = attn.to_out[0](merge_heads(out))
        return projected

    def _image(
        self, heads: int, query: Tensor, text_key: Tensor, subjects: SubjectPrompt
    ) -> Tensor:
        per_subject = subjects.tokens.shape[1] // subjects.scales.shape[1]
        seen = subjects.seen[query.shape[2]]
        if subjects.attended is not None:
            attended = subjects.attended.look(self._layer, query, text_key)
            seen = sight(subjects.visible[query.shape[2]] | attended, per_subject)
        key = split_heads(self._projections.to_k_ip(subjects.tokens), heads)
        value = split_heads(self._projections.to_v_ip(subjects.tokens), heads)
        scale = subjects.scales.repeat_interleave(per_subject, dim=1)[:, None, :, None]
        image = scaled_dot_product_attention(
            query, key, value * scale, attn_mask=seen.allowed[:, None]
        )
        return image * seen.foreground[:, None, :, None]
