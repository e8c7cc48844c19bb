"""Where the LLaVA recipe starts: attention that already compares *who* a patch shows.

To match a reference with a photo, a random network has to find the same directions of identity in
queries and in keys at once, and stays at chance for thousands of steps. The directions are known:
discriminant analysis of CLIP's patch features gives those in which patches of one identity agree.
The projector is started to hand them on, and two heads in two layers to compare them.
"""

import numpy as np
import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from pocket.bank import Bank
from pocket.llava_batches import Album

AXES = 64
"""Directions of identity that are handed on, in the first places of a picture token."""
LAYERS = (1, 2)
HANDED_ON = 0.1
"""Spread of those places; other places of a token start ten times smaller."""
SHARPNESS = 0.7
SCENES = 6000


def start(model: LlavaForConditionalGeneration, bank: Bank, album: Album) -> None:
    """Changes the untrained model in place."""
    axes, centre = identity_axes(*owned_patches(bank, album))
    hand_on(model, axes, centre)
    compare(model)


def owned_patches(bank: Bank, album: Album) -> tuple[Tensor, Tensor]:
    """Features [n, 192] of patches that a thing covers in the first scenes, and whose they are."""
    features, owners = [], []
    for scene in range(min(SCENES, len(bank.images))):
        grid = bank.grids[scene].flatten()
        for row in bank.people_of(scene):
            mine = torch.from_numpy(np.flatnonzero(grid == bank.order_of[row]))
            features.append(album.kinds["scene"][scene][mine].float())
            owners.append(torch.full((len(mine),), int(bank.who[row])))
    return torch.cat(features), torch.cat(owners)


def identity_axes(features: Tensor, owners: Tensor) -> tuple[Tensor, Tensor]:
    """Linear discriminants [64, 192] with unit spread within an identity, and the centre [192]."""
    _, numbers, counts = owners.unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(counts), features.shape[1]).index_add_(0, numbers, features)
    means = sums / counts[:, None]
    centre = features.mean(0)
    within = torch.cov((features - means[numbers]).T) + 1e-4 * torch.eye(features.shape[1])
    between = torch.cov((means - centre).T)
    root = torch.linalg.cholesky(torch.linalg.inv(within))
    _, axes = torch.linalg.eigh(root.T @ between @ root)
    return (root @ axes.flip(1)[:, :AXES]).T, centre


def hand_on(model: LlavaForConditionalGeneration, axes: Tensor, centre: Tensor) -> None:
    """Starts the projector so that its first 64 outputs are the coordinates on ``axes``."""
    projector = model.model.multi_modal_projector
    with torch.no_grad():
        for sign, rows in ((1, slice(0, AXES)), (-1, slice(AXES, 2 * AXES))):
            projector.linear_1.weight[rows] = sign * axes
            projector.linear_1.bias[rows] = -sign * axes @ centre
            # gelu(x) - gelu(-x) is x, so a pair of units lets a number through unchanged
            projector.linear_2.weight[:AXES, rows] = sign * HANDED_ON * torch.eye(AXES)
        projector.linear_2.weight[:AXES, 2 * AXES :] = 0
        projector.linear_2.bias[:AXES] = 0


def compare(model: LlavaForConditionalGeneration) -> None:
    """Starts two heads in each of ``LAYERS`` with queries and keys that read the same 32 places.

    They stand where rotary positions turn slowest, so that distance hardly matters.
    """
    text = model.config.text_config
    size = text.hidden_size // text.num_attention_heads
    slow = [*range(size // 4, size // 2), *range(3 * size // 4, size)]
    with torch.no_grad():
        for layer in LAYERS:
            attention = model.model.language_model.layers[layer].self_attn
            for head in range(2):
                for place, row in enumerate(slow):
                    for weight in (attention.q_proj.weight, attention.k_proj.weight):
                        weight[head * size + row] = 0
                        weight[head * size + row, head * len(slow) + place] = SHARPNESS
