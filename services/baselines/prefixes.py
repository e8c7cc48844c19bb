"""What a network keeps of fixed beginnings of prompts, so that no picture is looked at twice."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from transformers import DynamicCache

MOST_BYTES: Final = 1 << 30

Key = tuple[int, ...]
_Layers = list[tuple[Tensor, Tensor]]
"""Keys and values [1, heads, tokens, size] of each layer."""


class Prefixes:
    """Caches of single texts, put together for a batch. The oldest leave when there are too many.

    Args:
        most_bytes: What may be kept.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: dict[Key, tuple[_Layers, object]] = {}

    def fetch(
        self,
        keys: Sequence[Key],
        owners: Sequence[object],
        look: Callable[[list[int]], DynamicCache],
    ) -> DynamicCache:
        """The cache of a batch of texts, whose beginnings are of one length.

        Args:
            keys: What tells the texts apart.
            owners: What the keys are made of, and is kept as long as they are.
            look: Makes the cache of some of the texts, by their numbers.
        """
        missing = {key: row for row, key in enumerate(keys) if key not in self._kept}
        layers = _apart(look(list(missing.values()))) if missing else []
        made = dict(zip(missing, layers, strict=True))
        batch = [made[key] if key in made else self._kept[key][0] for key in keys]
        for key, row in missing.items():
            self._keep(key, made[key], owners[row])
        return _together(batch)

    def _keep(self, key: Key, layers: _Layers, owner: object) -> None:
        self._kept[key] = (layers, owner)
        self._bytes += _size(layers)
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._kept))
            self._bytes -= _size(self._kept.pop(oldest)[0])


def _apart(cache: Any) -> list[_Layers]:  # noqa: ANN401 - its layers have no public type
    pairs = [(layer.keys, layer.values) for layer in cache.layers]
    count = len(pairs[0][0])
    rows = (slice(row, row + 1) for row in range(count))
    return [[(keys[row].clone(), values[row].clone()) for keys, values in pairs] for row in rows]


def _together(rows: Sequence[_Layers]) -> DynamicCache:
    cache = DynamicCache()
    for number, pairs in enumerate(zip(*rows, strict=True)):
        cache.update(torch.cat([k for k, _ in pairs]), torch.cat([v for _, v in pairs]), number)
    return cache


def _size(layers: _Layers) -> int:
    return sum(t.nbytes for pair in layers for t in pair)
