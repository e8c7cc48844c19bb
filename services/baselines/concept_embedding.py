"""MyVLM's concept embedding for LLaVA: one vector right after a photo's tokens."""

import random
from collections.abc import Sequence
from typing import Final

import torch
from PIL import Image, ImageEnhance, ImageOps
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from services.baselines.attention import noted
from services.baselines.base_model import BaseModel, Sample, Worn, chat
from services.baselines.tokens import Rows
from services.generation.prompt import IMAGE

INSTRUCTION: Final = "Please caption this image of {}."
REGULARISER: Final = 0.0075
"""lambda, as published for captions."""

_DEGREES: Final = 45.0
_BRIGHTNESS: Final = 0.6


def fresh(base: BaseModel, seed: int) -> Tensor:
    """An untrained embedding [1, d]: uniform from 0 to 1, of unit length."""
    width = base.own_embedding.shape[1]
    drawn = torch.rand(1, width, generator=torch.Generator().manual_seed(seed))
    return F.normalize(drawn.to(base.device, base.network.dtype), dim=-1)


def scaled(e: Tensor, norm: float) -> Tensor:
    """[1, d] as the model reads it: e/|e| times `norm`."""
    return norm * F.normalize(e, dim=-1)


@torch.no_grad()
def cls_norm(base: BaseModel, images: Sequence[Image.Image]) -> float:
    """Mean length of the [CLS] features of pictures behind the projector."""
    network = base.network.model
    prompt = base.prompt(chat(IMAGE))
    norms = []
    for image in images:
        pixels = base.read([prompt], [image])["pixel_values"].flatten(0, -4)[:1]  # 1.6: the whole
        layers = network.vision_tower(pixels, output_hidden_states=True).hidden_states
        layer = base.network.config.vision_feature_layer
        chosen = [layers[i] for i in ([layer] if isinstance(layer, int) else layer)]
        features = network.multi_modal_projector(torch.cat(chosen, -1)[:, :1])
        norms.append(float(features.norm()))
    return sum(norms) / len(norms)


def objective(
    base: BaseModel, e: Tensor, norm: float, samples: Sequence[Sample], weight: float = REGULARISER
) -> Tensor:
    """What training makes small: the captions' mean cross-entropy, and the regulariser.

    The regulariser is `weight` times the mean of P[b, :, i, :] squared, summed over layers and
    pictures b; P are attention probabilities and i is where the embedding stands.

    Args:
        base: The model.
        e: [1, d]; its direction counts.
        norm: How long it is made.
        samples: Each shows one picture, with the first slot's name right after it.
        weight: lambda.
    """
    language = base.network.model.language_model
    worn = Worn(Rows(scaled(e, norm), e[:0]), ("",))
    with base.wearing(worn), noted(language, (x.self_attn for x in language.layers)) as attention:
        loss = base.loss(samples)
    places = [_place(base, sample) for sample in samples]
    learned = [layer for layer in attention if layer.requires_grad]  # not that of the photos alone
    return loss + weight * sum(_mean_square(layer, places) for layer in learned)


def _mean_square(layer: Tensor, places: Sequence[int]) -> Tensor:
    """Of the probabilities that queries at `places` give, summed over pictures."""
    first = layer.shape[-1] - layer.shape[-2]  # position of the first query
    rows = [layer[i, :, place - first] for i, place in enumerate(places)]
    return torch.stack(rows).square().mean((1, 2)).sum()


def _place(base: BaseModel, sample: Sample) -> int:
    """How many tokens stand before the embedding."""
    before, _ = base.prompt(sample.messages).split(base.slots[0].name)
    return base.read([before], sample.images)["input_ids"].shape[1]


def samples(
    rng: random.Random,
    base: BaseModel,
    name: str,
    images: Sequence[Image.Image],
    captions: Sequence[str],
    count: int,
) -> list[Sample]:
    """`count` of the pictures, changed a little, each with its caption."""
    asked = chat(f"{IMAGE}{base.slots[0].name}\n{INSTRUCTION.format(name)}")
    chosen = rng.sample(range(len(images)), min(count, len(images)))
    return [Sample(asked, (_changed(images[i], rng),), captions[i]) for i in chosen]


def _changed(image: Image.Image, rng: random.Random) -> Image.Image:
    """Half of them mirrored; all with another brightness, and turned."""
    seen = ImageOps.mirror(image) if rng.random() < 0.5 else image
    lit = ImageEnhance.Brightness(seen).enhance(rng.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS))
    return lit.rotate(rng.uniform(-_DEGREES, _DEGREES), Image.Resampling.BILINEAR)
