"""The published formulas once more, in float64, with loops instead of library calls."""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, softmax
from torch import Tensor, nn

from datagen.msdiffusion.grounding import ResamplerSizes

Array = NDArray[np.float64]
Weights = Mapping[str, Array]


def weights_of(module: nn.Module) -> Weights:
    return {name: value.detach().double().numpy() for name, value in module.state_dict().items()}


def relative_error(found: Tensor, expected: Array) -> float:
    return float(np.abs(found.double().numpy() - expected).max() / np.abs(expected).max())


def fourier(box: Sequence[float], frequencies: int) -> Array:
    values = []
    for i in range(frequencies):
        frequency = 100 ** (i / frequencies)
        values += [math.sin(frequency * corner) for corner in box]
        values += [math.cos(frequency * corner) for corner in box]
    return np.array(values)


def layer_norm(x: Array, weights: Weights, name: str) -> Array:
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    normal = (x - mean) / np.sqrt(variance + 1e-5)
    return normal * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def linear(x: Array, weights: Weights, name: str) -> Array:
    out = x @ weights[f"{name}.weight"].T
    return out + weights[f"{name}.bias"] if f"{name}.bias" in weights else out


def gelu(x: Array) -> Array:
    return x * 0.5 * (1 + erf(x / math.sqrt(2)))


def resampled(
    weights: Weights,
    sizes: ResamplerSizes,
    patches: Array,
    phrase: Array,
    box: Sequence[float],
    grounded: bool = True,
) -> Array:
    """One subject's tokens: patches [P, image_dim], phrase [phrase_dim] to [tokens, output_dim]."""
    latents = weights["grounding_latents"][0]
    if grounded:
        g = np.concatenate([phrase, fourier(box, sizes.frequencies)])
        g = linear(gelu(linear(g, weights, "latent_proj.0")), weights, "latent_proj.2")
        latents = layer_norm(g.reshape(sizes.tokens, sizes.dim), weights, "latent_norm")
    x = linear(patches, weights, "proj_in")
    for layer in range(sizes.depth):
        at = f"layers.{layer}"
        normal = layer_norm(latents, weights, f"{at}.0.norm2")
        seen = np.concatenate([layer_norm(x, weights, f"{at}.0.norm1"), normal])
        query = linear(normal, weights, f"{at}.0.to_q")
        key, value = np.split(linear(seen, weights, f"{at}.0.to_kv"), 2, axis=-1)
        heads = []
        for head in range(sizes.heads):
            of = slice(head * sizes.head_dim, (head + 1) * sizes.head_dim)
            s = sizes.head_dim**-0.25
            heads.append(softmax((query[:, of] * s) @ (key[:, of] * s).T, axis=-1) @ value[:, of])
        latents = latents + linear(np.concatenate(heads, -1), weights, f"{at}.0.to_out")
        inner = linear(layer_norm(latents, weights, f"{at}.1.0"), weights, f"{at}.1.1")
        latents = latents + linear(gelu(inner), weights, f"{at}.1.3")
    out = linear(layer_norm(latents, weights, "attention_norm"), weights, "proj_out")
    return layer_norm(out, weights, "norm_out")


def in_box(box: Sequence[float], height: int, width: int) -> Array:
    """[height * width] of 0 and 1, corners taken as the decimals they were written as."""
    x1, y1, x2, y2 = (Fraction(str(corner)) for corner in box)
    mask = np.zeros((height, width))
    mask[
        math.floor(y1 * height) : math.ceil(y2 * height),
        math.floor(x1 * width) : math.ceil(x2 * width),
    ] = 1
    return mask.reshape(-1)


def attended(
    weights: Weights,
    heads: int,
    x: Array,
    text: Array,
    dummies: Array,
    subjects: Sequence[Array],
    masks: Sequence[Array],
    scales: Sequence[float],
) -> Array:
    """One picture through one cross-attention: x [cells, hidden], text [77, D], dummies [4, D].

    The published way: the dummy tokens are there, and hiding is adding -10000.
    """
    query = linear(x, weights, "to_q")
    image_tokens = np.concatenate([dummies, *subjects])
    background = np.clip(1 - np.sum(masks, axis=0), 0, None)
    bias = [np.repeat(background[:, None], len(dummies), axis=1)]
    bias += [np.repeat(m[:, None], len(s), axis=1) for m, s in zip(masks, subjects, strict=True)]
    hidden = (1 - np.concatenate(bias, axis=1)) * -10000
    scale = [1.0] * len(dummies)
    for subject, factor in zip(subjects, scales, strict=True):
        scale += [factor] * len(subject)
    width = query.shape[-1] // heads
    out = []
    for head in range(heads):
        of = slice(head * width, (head + 1) * width)

        def weigh(key: Array, q: Array = query[:, of], of: slice = of) -> Array:
            return q @ key[:, of].T / math.sqrt(width)

        probabilities = softmax(weigh(linear(text, weights, "to_k")), axis=-1)
        text_out = probabilities @ linear(text, weights, "to_v")[:, of]
        image = softmax(weigh(linear(image_tokens, weights, "to_k_ip")) + hidden, axis=-1)
        image[background > 0] = 0
        value = linear(image_tokens, weights, "to_v_ip")[:, of]
        out.append(text_out + (image * np.array(scale)) @ value)
    return linear(np.concatenate(out, axis=-1), weights, "to_out.0")
