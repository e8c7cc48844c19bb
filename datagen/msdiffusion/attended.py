"""Places found while drawing: where the picture looks at a subject's phrase, there it shows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from datagen.msdiffusion.phrases import Span

THRESHOLD = 0.5
"""Of the strongest attention; a cell above it belongs to the subject."""
START_STEP = 5
"""The first step at which subjects without a box show; before it their places are not settled."""


class AttendedPlaces:
    """Collects, for one call of the pipeline, how each layer attends to the phrases.

    As published (`mask_threshold=0.5, start_step=5`): text attention, averaged over the phrase's
    tokens, the heads and the steps so far, stretched to 0..1, above a threshold.

    Args:
        spans: For each of B pictures and R subjects, the tokens of its phrase in the prompt; None
            for a subject that is not looked for.
        tokens: Tokens of a prompt.
        device: Where the layers work.
    """

    def __init__(
        self, spans: Sequence[Sequence[Span | None]], tokens: int, device: torch.device
    ) -> None:
        share = torch.zeros(len(spans), tokens, len(spans[0]))
        for picture, subjects in enumerate(spans):
            for subject, span in enumerate(subjects):
                if span is not None:
                    share[picture, span.start : span.end, subject] = 1 / (span.end - span.start)
        self._share = share.to(device)
        self._sums: dict[int, Tensor] = {}
        self._steps: dict[int, int] = {}

    def look(self, layer: int, query: Tensor, key: Tensor) -> Tensor:
        """Takes in a step of one layer; where its subjects are: bool [B, cells, R].

        Args:
            layer: Which layer.
            query: Of the picture, [B, heads, cells, D].
            key: Of the prompt, [B, heads, tokens, D].
        """
        scores = (query @ key.transpose(-1, -2)).float() / query.shape[-1] ** 0.5
        maps = scores.softmax(dim=-1).mean(dim=1) @ self._share
        total = self._sums.get(layer, 0) + maps
        steps = self._steps.get(layer, 0) + 1
        self._sums[layer], self._steps[layer] = total, steps
        if steps < START_STEP:
            return torch.zeros_like(maps, dtype=torch.bool)
        mean = total / steps
        low, high = mean.amin(dim=1, keepdim=True), mean.amax(dim=1, keepdim=True)
        there: Tensor = (mean - low) / (high - low + 1e-5) > THRESHOLD
        return there
