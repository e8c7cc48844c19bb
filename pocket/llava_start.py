"""Where the LLaVA recipe starts: attention that already compares *who*, and already copies words.

To match a reference with a photo, a random network has to find the same directions of identity in
queries and in keys at once, and stays at chance for thousands of steps. The directions are known:
discriminant analysis of CLIP's patch features gives those in which patches of one identity agree.
The projector is started to hand them on, and two heads in two layers to compare them.

To repeat a name it has been told, it has to find two heads that are of no use without each other:
one that looks a token back, one that looks for what followed the same token before. It is started
with both, since gradients alone are very slow to find the pair.
"""

import math

import numpy as np
import torch
from torch import Tensor
from transformers import LlavaForConditionalGeneration
from transformers.models.llama.modeling_llama import LlamaAttention

from pocket.bank import Bank
from pocket.llava_batches import Album

AXES = 64
"""Directions of identity that are handed on, in the first places of a picture token."""
TOKEN, BEFORE, NEXT, ONE = slice(64, 128), slice(128, 192), slice(192, 255), 255
"""Places of a text token: which it is, which stood before it, which may come next; always one."""
LAYERS = (1, 2)
COPYING = (1, 3)
"""The layers whose last two heads look for what followed the same token before."""
HANDED_ON = 0.25
"""Spread of those places; other places of a token start ten times smaller."""
SHARPNESS = 0.7
SCENES = 6000


def look(model: LlavaForConditionalGeneration, bank: Bank, album: Album) -> None:
    """Starts the projector and the heads that compare pictures, in place."""
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
        projector.linear_2.weight[ONE] = 0
        projector.linear_2.bias[ONE] = 1


def compare(model: LlavaForConditionalGeneration) -> None:
    """Starts two heads in each of ``LAYERS`` with queries and keys that read the same 32 places."""
    with torch.no_grad():
        for layer in LAYERS:
            attention = model.model.language_model.layers[layer].self_attn
            size = attention.head_dim
            for head in range(2):
                for place, row in enumerate(slow_places(size)):
                    for weight in (attention.q_proj.weight, attention.k_proj.weight):
                        weight[head * size + row] = 0
                        weight[head * size + row, head * size // 2 + place] = SHARPNESS


def copy(model: LlavaForConditionalGeneration) -> None:
    """Starts embeddings, three heads and the output so that a repeated text is gone on with."""
    language = model.model.language_model
    with torch.no_grad():
        embedding, output = language.embed_tokens.weight, model.lm_head.weight
        names = torch.randn(len(embedding), AXES)
        embedding[:, TOKEN] = 0.6 * names
        embedding[:, ONE] = 1
        output *= 0.5
        output[:, NEXT] = 0.1 * names[:, :-1]
        look_back(language.layers[0].self_attn, head=3)
        for layer in COPYING:
            for head in (2, 3):
                go_on(language.layers[layer].self_attn, head)


def look_back(attention: LlamaAttention, head: int) -> None:
    """Starts a head that attends to the token before and notes which it is.

    A query turned back by one step of the rotary positions fits the key of the place before best;
    the eight places that turn fastest tell it from all others.
    """
    first = empty(attention, head)
    size, theta = attention.head_dim, attention.config.rope_parameters["rope_theta"]
    sharp = 2.3
    for place in range(8):
        turn = theta ** (-2 * place / size)
        attention.q_proj.weight[first + place, ONE] = sharp * math.cos(turn)
        attention.q_proj.weight[first + place + size // 2, ONE] = -sharp * math.sin(turn)
        attention.k_proj.weight[first + place, ONE] = sharp
    attention.v_proj.weight[first : first + size, TOKEN] = torch.eye(size)
    attention.o_proj.weight[BEFORE, first : first + size] = 0.4 * torch.eye(size)


def go_on(attention: LlamaAttention, head: int) -> None:
    """Starts a head that attends to what followed this token earlier and proposes it as the next.

    Each of the two heads of a layer compares one half of a token's places.
    """
    first, size = empty(attention, head), attention.head_dim
    for place, row in enumerate(slow_places(size), start=(head % 2) * size // 2):
        attention.q_proj.weight[first + row, TOKEN.start + place] = 1.5
        attention.k_proj.weight[first + row, BEFORE.start + place] = 1.5
    attention.v_proj.weight[first : first + size, TOKEN] = torch.eye(size)
    attention.o_proj.weight[NEXT, first : first + size] = 0.2 * torch.eye(size)[:-1]


def empty(attention: LlamaAttention, head: int) -> int:
    """Clears a head's weights; its first row."""
    size: int = attention.head_dim
    first = head * size
    for layer in (attention.q_proj, attention.k_proj, attention.v_proj):
        layer.weight[first : first + size] = 0
    attention.o_proj.weight[:, first : first + size] = 0
    return first


def slow_places(size: int) -> list[int]:
    """The half of a head's places that turn slowest, so that distance hardly matters."""
    return [*range(size // 4, size // 2), *range(3 * size // 4, size)]
