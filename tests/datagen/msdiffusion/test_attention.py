"""Masked cross-attention against the published formulas, dummy tokens included."""

from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import Attention, AttnProcessor2_0

from datagen.msdiffusion.attention import (
    Projections,
    SubjectAttention,
    SubjectPrompt,
    sight,
)
from datagen.msdiffusion.layout import Box, Grid, box_masks
from tests.datagen.msdiffusion.formulas import attended, in_box, relative_error, weights_of

HIDDEN, HEADS, DIM, TEXT, TOKENS = 12, 3, 10, 7, 4

LAYOUTS: dict[str, list[Box]] = {
    "one subject": [(0.25, 0.25, 0.75, 0.75)],
    "two beside each other": [(0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75)],
    "three, two of them on a scene": [
        (0.0, 0.0, 1.0, 1.0),
        (0.25, 0.25, 0.75, 0.75),
        (0.65, 0.25, 1.0, 0.75),
    ],
    "four, two overlapping": [
        (0.0, 0.0, 0.5, 0.5),
        (0.3, 0.3, 0.8, 0.8),
        (0.5, 0.0, 1.0, 0.25),
        (0.1, 0.8, 0.4, 1.0),
    ],
    "one of two nowhere": [(0.0, 0.0, 0.0, 0.0), (0.5, 0.25, 1.0, 0.75)],
    "none anywhere": [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0)],
}


class Layer:
    """One cross-attention of diffusers with our processor, and random input for one picture."""

    def __init__(self, boxes: list[Box], scales: list[float], grid: Grid) -> None:
        torch.manual_seed(5)
        self.boxes, self.scales, self.grid = boxes, scales, grid
        self.attention = Attention(
            HIDDEN, cross_attention_dim=DIM, heads=HEADS, dim_head=HIDDEN // HEADS
        )
        self.projections = Projections(DIM, HIDDEN)
        self.attention.set_processor(SubjectAttention(self.projections, 1))
        self.pictures = torch.randn(2, grid.cells, HIDDEN)  # the unconditional half comes first
        self.texts = torch.randn(2, TEXT, DIM)
        self.tokens = torch.randn(1, len(boxes) * TOKENS, DIM)

    def prompt(self) -> SubjectPrompt:
        visible = box_masks([self.boxes], self.grid)
        return SubjectPrompt(
            tokens=self.tokens,
            scales=torch.tensor([self.scales]),
            visible={self.grid.cells: visible},
            seen={self.grid.cells: sight(visible, TOKENS)},
            attended=None,
        )

    def run(self, prompt: SubjectPrompt | None) -> torch.Tensor:
        with torch.no_grad():
            out: torch.Tensor = self.attention(
                self.pictures, encoder_hidden_states=self.texts, ip_hidden_states=prompt
            )
        return out

    def expected(self, dummies: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return attended(
            weights_of(self.attention) | weights_of(self.projections),
            HEADS,
            self.pictures[1].double().numpy(),
            self.texts[1].double().numpy(),
            dummies,
            np.split(self.tokens[0].double().numpy(), len(self.boxes)),
            [in_box(box, *self.grid) for box in self.boxes],
            self.scales,
        )


@pytest.mark.parametrize("grid", [Grid(8, 8), Grid(5, 9)], ids=["square", "wide"])
@pytest.mark.parametrize("boxes", LAYOUTS.values(), ids=list(LAYOUTS))
def test_the_layer_agrees_with_the_formulas_whatever_the_dummy_tokens_hold(
    boxes: list[Box], grid: Grid
) -> None:
    layer = Layer(boxes, [0.6, 0.4, 1.0, 0.8][: len(boxes)], grid)
    found = layer.run(layer.prompt())
    for seed in (0, 1):
        dummies = np.random.default_rng(seed).normal(size=(4, DIM))
        assert relative_error(found[1], layer.expected(dummies)) < 1e-5


def test_the_unconditional_half_and_cells_outside_all_boxes_see_text_alone() -> None:
    layer = Layer([(0.0, 0.0, 0.5, 0.5)], [1.0], Grid(4, 4))
    with_subject, plain = layer.run(layer.prompt()), layer.run(None)
    inside = torch.from_numpy(in_box(layer.boxes[0], 4, 4)).bool()
    assert torch.equal(with_subject[0], plain[0])
    assert torch.equal(with_subject[1, ~inside], plain[1, ~inside])
    assert not torch.isclose(with_subject[1, inside], plain[1, inside]).all(dim=-1).any()


def test_without_subjects_a_layer_is_what_diffusers_makes_of_it() -> None:
    layer = Layer([(0.0, 0.0, 1.0, 1.0)], [1.0], Grid(3, 3))
    ours = layer.run(None)
    layer.attention.set_processor(AttnProcessor2_0())
    torch.testing.assert_close(ours, layer.run(None))
