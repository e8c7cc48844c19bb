"""Places found from what the picture attends to."""

import numpy as np
import torch
from scipy.special import softmax

from datagen.msdiffusion.attended import START_STEP, AttendedPlaces
from datagen.msdiffusion.phrases import Span

CPU = torch.device("cpu")


def steps(count: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Queries [2 pictures, 3 heads, 6 cells, 5] and keys [2, 3, 9 tokens, 5] of some steps."""
    torch.manual_seed(4)
    return [(torch.randn(2, 3, 6, 5) * 3, torch.randn(2, 3, 9, 5)) for _ in range(count)]


def test_places_are_the_mean_attention_to_the_phrase_above_half_of_its_range() -> None:
    spans = [[Span(2, 4), None], [Span(1, 2), Span(5, 8)]]
    places = AttendedPlaces(spans, tokens=9, device=CPU)
    maps = np.zeros((2, 6, 2))
    for step, (query, key) in enumerate(steps(START_STEP + 2), start=1):
        found = places.look(1, query, key).numpy()
        q, k = query.double().numpy(), key.double().numpy()
        probabilities = softmax(q @ k.transpose(0, 1, 3, 2) / np.sqrt(5), axis=-1)
        for picture, subjects in enumerate(spans):
            for subject, span in enumerate(subjects):
                if span is not None:
                    of_phrase = probabilities[picture, :, :, span.start : span.end]
                    maps[picture, :, subject] += of_phrase.mean(axis=-1).mean(axis=0)
        mean = maps / step
        low, high = mean.min(axis=1, keepdims=True), mean.max(axis=1, keepdims=True)
        expected = (mean - low) / (high - low + 1e-5) > 0.5
        np.testing.assert_array_equal(found, expected & (step >= START_STEP))
    assert found[0, :, 0].any()
    assert not found[0, :, 1].any()


def test_layers_look_for_themselves() -> None:
    both, alone = (AttendedPlaces([[Span(1, 3)]] * 2, tokens=9, device=CPU) for _ in range(2))
    for query, key in steps(START_STEP):
        both.look(3, key[:, :, :6], query[:, :, :, :].repeat(1, 1, 2, 1)[:, :, :9])
        assert torch.equal(both.look(1, query, key), alone.look(1, query, key))
