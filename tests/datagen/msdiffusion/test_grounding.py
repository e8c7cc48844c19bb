"""The resampler against its formulas."""

import torch

from datagen.msdiffusion.grounding import GroundingResampler, box_embedding
from tests.datagen.msdiffusion.formulas import fourier, relative_error, resampled, weights_of
from tests.datagen.msdiffusion.tiny import SIZES

BOXES = ((0.0, 0.25, 0.5, 0.75), (0.5, 0.25, 1.0, 0.75), (0.0, 0.0, 0.0, 0.0))


def test_a_box_is_embedded_frequency_by_frequency_sine_before_cosine() -> None:
    embedded = box_embedding(torch.tensor(BOXES), 8)
    assert embedded.shape == (3, 64)
    for row, box in zip(embedded, BOXES, strict=True):
        assert relative_error(row, fourier(box, 8)) < 1e-5


def test_tokens_agree_with_the_formulas_and_with_learned_queries_where_the_place_is_left_out() -> (
    None
):
    torch.manual_seed(0)
    resampler = GroundingResampler(SIZES)
    for parameter in resampler.parameters():  # norms start as ones and zeros, which hides mistakes
        torch.nn.init.normal_(parameter, std=0.3)
    patches, phrases = torch.randn(3, 9, SIZES.image_dim), torch.randn(3, SIZES.phrase_dim)
    grounded = [True, False, True]
    tokens = resampler(patches, phrases, torch.tensor(BOXES), torch.tensor(grounded)).detach()
    for row in range(3):
        expected = resampled(
            weights_of(resampler),
            SIZES,
            patches[row].double().numpy(),
            phrases[row].double().numpy(),
            BOXES[row],
            grounded[row],
        )
        assert relative_error(tokens[row], expected) < 1e-5
