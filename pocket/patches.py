"""Patches of pictures in place of whole ones: what rivals of RAP match by (PeKit's dense features).

The shipped embedder, read before it pools: each patch that it sees is a vector of its own.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from services.embedding.clip import ClipEmbedder

Patches = NDArray[np.float32]
"""[n, patches, dim], each of unit length."""

LAYER: Final = 3
"""Patches are read after the fourth of the six layers: later ones see the whole picture."""

NEAREST: Final = 32
"""Views of a region that are ranked anew."""


class PatchEmbedder(ClipEmbedder):
    """Pictures as their patches: `embed_images` gives float32 [n · patches, dim]."""

    @torch.inference_mode()
    def _embed(self, tower: object, inputs: Sequence[NDArray[Any]]) -> list[NDArray[np.float32]]:
        del tower  # pictures alone
        batch = self._preprocess.normalised(torch.from_numpy(np.stack(inputs)).to(self._device))
        visual = self._model.visual
        told = visual.forward_intermediates(
            batch, [LAYER], normalize_intermediates=True, intermediates_only=True, output_fmt="NLC"
        )
        (patches,) = told["image_intermediates"]
        return list(torch.nn.functional.normalize(patches @ visual.proj, dim=-1).cpu().numpy())


class Patched:
    """Views by their patches.

    The distances of patches are no others': by how far views of one concept are apart, and those of
    two, they are brought to the scale of whole pictures.

    Args:
        views: Of each concept, its views.
        whole: Of each concept, the same views as whole pictures: [n, dim], unit length.
    """

    def __init__(self, views: Sequence[Patches], whole: Sequence[NDArray[np.float32]]) -> None:
        self._views = np.concatenate(views)
        self._counts = [len(these) for these in views]
        self._slope, self._start = _line(views, whole)

    def beside(
        self, distances: Sequence[NDArray[np.float64]], regions: Patches, share: float
    ) -> list[NDArray[np.float64]]:
        """Distances in which the patches have a share, for the `NEAREST` views of each region.

        Args:
            distances: Of each concept, [regions, views].
            regions: Their patches, [regions or more, patches, dim].
            share: 0 to 1.
        """
        every = np.concatenate(distances, axis=1)
        for row, patches in zip(every, regions, strict=False):
            near = np.argsort(row)[:NEAREST]
            told = self._start + self._slope * apart(patches, self._views[near])
            row[near] = (1 - share) * row[near] + share * told
        return np.split(every, np.cumsum(self._counts)[:-1], axis=1)


def apart(region: NDArray[np.float32], views: Patches) -> NDArray[np.float32]:
    """How far views are from a region, each of whose patches is held against the most like it.

    Args:
        region: [patches, dim].
        views: [n, patches, dim].

    Returns:
        [n], L2 distances of unit vectors (0 to 2) by the mean cosine.
    """
    alike = (region @ views.reshape(-1, views.shape[-1]).T).reshape(len(region), *views.shape[:2])
    away: NDArray[np.float32] = np.sqrt(np.maximum(0, 2 - 2 * alike.max(-1).mean(0)))
    return away


def _line(views: Sequence[Patches], whole: Sequence[NDArray[np.float32]]) -> tuple[float, float]:
    """Slope and start of the line that brings distances of patches to those of whole pictures."""
    firsts = np.stack([these[0] for these in views]), np.stack([these[0] for these in whole])
    same, other = [], []
    for number, ours in enumerate(zip(views, whole, strict=True)):
        patches, vectors = ours
        same += _pairs(patches[0], vectors[0], patches[1:], vectors[1:])
        other += _pairs(patches[0], vectors[0], firsts[0][:number], firsts[1][:number])
    (near, near_whole), (far, far_whole) = np.mean(same, axis=0), np.mean(other, axis=0)
    slope = (far_whole - near_whole) / (far - near)
    return float(slope), float(near_whole - slope * near)


def _pairs(
    patches: NDArray[np.float32],
    vector: NDArray[np.float32],
    others: Patches,
    vectors: NDArray[np.float32],
) -> list[tuple[float, float]]:
    """How far each other view is, by patches and as a whole picture."""
    wholes = np.linalg.norm(vectors - vector, axis=1)
    return list(zip(apart(patches, others).tolist(), wholes.tolist(), strict=True))
