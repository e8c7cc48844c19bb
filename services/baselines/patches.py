"""What the base model's vision tower sees patch by patch, and concept tokens made of it.

MC-LLaVA (An et al. 2024, section 3.2; thesis 2.1.3) begins with such tokens: the patches that a
concept's pictures show of it, projected to the language model's space, gathered into k groups.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from sklearn.cluster import KMeans
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from services.baselines.base_model import BaseModel
from services.baselines.material import Example

_AT_ONCE: Final = 8


@torch.no_grad()
def patches(base: BaseModel, images: Sequence[Image.Image]) -> Tensor:
    """The tower's patch features before the projector, from the layer that the projector reads.

    Every picture is seen whole and once, padded to a square, also where the model itself cuts
    pictures into tiles (LLaVA-1.6).

    Returns:
        Float32 [n, g², width], patches in rows from the top left, g to a row.
    """
    seen = []
    for start in range(0, len(images), _AT_ONCE):
        chunk = images[start : start + _AT_ONCE]
        pixels = torch.stack([_pixels(base, image) for image in chunk])
        seen.append(_features(base, pixels.to(base.device, base.network.dtype)).float())
    return torch.cat(seen)


def concept_patches(base: BaseModel, examples: Sequence[Example]) -> Tensor:
    """The patches of pictures on which a concept is, of all of them together.

    Returns:
        Float32 [n, width], n ≥ 1: those inside the masks; a picture without a mask, or one whose
        mask is empty, counts whole, its padding apart.
    """
    seen = patches(base, [example.image for example in examples])
    grid = round(seen.shape[1] ** 0.5)
    masks = torch.stack([_covered(example, _side(base), grid) for example in examples])
    return seen[masks.to(seen.device)]


def patch_width(base: BaseModel) -> int:
    """How many numbers tell of a patch."""
    config = base.network.config
    layers = config.vision_feature_layer
    width: int = config.vision_config.hidden_size
    return width if isinstance(layers, int) else width * len(layers)


@torch.no_grad()
def projected(base: BaseModel, features: Tensor) -> Tensor:
    """Patch features [n, width] in the language model's space: float32 [n, d]."""
    projector = base.network.model.multi_modal_projector
    known: Tensor = projector(features.to(base.device, base.network.dtype))
    return known.float()


def first_rows(points: Tensor, soft: int, norm: float) -> Tensor:
    """Embedding rows that a concept's training begins with: k-means centres, and their mean.

    Each centre is scaled to length `norm`; the row of the concept's name is the mean of the scaled
    centres and is not scaled again, as in the published code. With fewer than `soft` different
    points there are as many centres as points, and they repeat; the published code would leave the
    other rows as chance made them.

    Args:
        points: [n, d], n ≥ 1: projected patches.
        soft: k, the number of centres.
        norm: Mean length of the model's own embedding rows.

    Returns:
        Float32 [k + 1, d], the name first.
    """
    data = points.detach().cpu().numpy().astype(np.float64)
    found = min(soft, len(np.unique(data, axis=0)))
    groups = KMeans(n_clusters=found, random_state=0).fit(data)
    centres = torch.from_numpy(groups.cluster_centers_)
    centres = F.normalize(centres, dim=-1) * norm
    centres = centres[torch.arange(soft) % found]
    return torch.cat([centres.mean(0, keepdim=True), centres]).float()


def squared(image: Image.Image, side: int, fill: tuple[int, ...] | int, how: int) -> Image.Image:
    """A picture padded to a square, itself in the middle, and scaled to `side` pixels."""
    longest = max(image.size)
    square = Image.new(image.mode, (longest, longest), fill)
    square.paste(image, ((longest - image.width) // 2, (longest - image.height) // 2))
    return square.resize((side, side), how)


def _pixels(base: BaseModel, image: Image.Image) -> Tensor:
    """[3, side, side] as the tower takes it, padded with its mean colour."""
    processor = base.processor.image_processor
    mean, std = (np.asarray(c, np.float32) for c in (processor.image_mean, processor.image_std))
    fill = tuple(round(255 * float(c)) for c in mean)
    square = squared(image, _side(base), fill, Image.Resampling.BICUBIC)
    scaled = (np.asarray(square, np.float32) / 255 - mean) / std
    return torch.from_numpy(scaled).permute(2, 0, 1)


def _features(base: BaseModel, pixels: Tensor) -> Tensor:
    """Pixels [n, 3, side, side] to patches [n, g², width]."""
    config = base.network.config
    states = base.network.model.vision_tower(pixels, output_hidden_states=True).hidden_states
    layers = config.vision_feature_layer
    layers = [layers] if isinstance(layers, int) else layers
    return torch.cat([states[layer][:, 1:] for layer in layers], dim=-1)  # the first is [CLS]


def _side(base: BaseModel) -> int:
    side: int = base.network.config.vision_config.image_size
    return side


def _covered(example: Example, side: int, grid: int) -> Tensor:
    """Bool [grid²]: the patches whose upper left corner the mask covers, as the code scales it.

    Where there is no such corner, the patch that is covered most.
    """
    mask = example.mask
    if mask is None or not _inside(mask).any():
        mask = Image.new("L", example.image.size, 255)
    square = squared(mask, side, 0, Image.Resampling.NEAREST)
    inside = torch.from_numpy(_inside(square))[None, None].float()
    corners = F.interpolate(inside, (grid, grid), mode="nearest").flatten() > 0
    if corners.any():
        return corners
    share = F.adaptive_avg_pool2d(inside, grid).flatten()
    return share == share.max()


def _inside(mask: Image.Image) -> NDArray[np.bool_]:
    return np.asarray(mask) > 127
