"""Patches are what the projector reads; masks choose among them, and k-means begins a concept."""

import numpy as np
import pytest
import torch
from PIL import Image

from services.baselines.base_model import BaseModel
from services.baselines.material import Example
from services.baselines.patches import concept_patches, first_rows, patches, projected

from .conftest import plain

SIDE, GRID = 32, 4  # of the small model


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def mask(width: int, height: int, box: tuple[int, int, int, int] | None) -> Image.Image:
    drawn = Image.new("L", (width, height))
    if box:
        drawn.paste(255, box)
    return drawn


def cells(tiny: BaseModel, image: Image.Image, chosen: list[int]) -> torch.Tensor:
    return patches(tiny, [image])[0][chosen]


def test_projected_patches_are_what_the_language_model_sees(tiny: BaseModel) -> None:
    images = [noise(SIDE, SIDE, seed) for seed in range(10)]  # more than go through at once
    pixels = tiny.processor.image_processor(images, return_tensors="pt")["pixel_values"]
    seen = tiny.network.model.get_image_features(pixels.double()).pooler_output
    ours = [projected(tiny, each) for each in patches(tiny, images)]
    assert torch.allclose(torch.stack(ours).double(), torch.stack(list(seen)), atol=1e-4)


def test_padding_is_no_part_of_a_picture(tiny: BaseModel) -> None:
    wide, high = noise(40, 20), noise(20, 40)
    middle_rows = [i for i in range(16) if i // GRID in (1, 2)]
    middle_columns = [i for i in range(16) if i % GRID in (1, 2)]
    assert torch.equal(concept_patches(tiny, [Example(wide)]), cells(tiny, wide, middle_rows))
    assert torch.equal(concept_patches(tiny, [Example(high)]), cells(tiny, high, middle_columns))


def test_a_mask_chooses_patches(tiny: BaseModel) -> None:
    image = noise(64, 64)
    left = Example(image, mask=mask(64, 64, (0, 0, 32, 64)))
    corner = Example(image, mask=mask(64, 64, (48, 48, 64, 64)))
    both = concept_patches(tiny, [left, corner])
    assert torch.equal(both[:8], cells(tiny, image, [i for i in range(16) if i % GRID < 2]))
    assert torch.equal(both[8:], cells(tiny, image, [15]))


def test_a_concept_smaller_than_a_patch_has_the_one_that_shows_most_of_it(tiny: BaseModel) -> None:
    image = noise(64, 64)
    speck = Example(image, mask=mask(64, 64, (21, 38, 27, 44)))
    assert torch.equal(concept_patches(tiny, [speck]), cells(tiny, image, [2 * GRID + 1]))


def test_an_empty_mask_counts_as_none(tiny: BaseModel) -> None:
    image = noise(64, 64)
    empty = Example(image, mask=mask(64, 64, None))
    assert torch.equal(concept_patches(tiny, [empty]), patches(tiny, [image])[0])


def test_rows_begin_at_scaled_centres_and_the_name_at_their_mean() -> None:
    """Written out for groups that nobody can confuse: each centre is its group's mean."""
    rng = np.random.default_rng(4)
    groups = 100 * np.eye(5)[:4, None] + rng.normal(size=(4, 7, 5))
    centres = []
    for group in groups:
        mean = sum(group) / 7
        centres.append(3.5 * mean / np.sqrt((mean**2).sum()))
    rows = first_rows(torch.tensor(groups.reshape(28, 5)), soft=4, norm=3.5).double().numpy()
    assert rows.shape == (5, 5)
    assert rows[0] == pytest.approx(sum(centres) / 4, abs=1e-5)
    nearest = [min(range(4), key=lambda i: np.abs(row - centres[i]).sum()) for row in rows[1:]]
    assert sorted(nearest) == [0, 1, 2, 3]
    assert rows[1:] == pytest.approx(np.array(centres)[nearest], abs=1e-5)


def test_the_same_patches_begin_the_same_rows() -> None:
    points = torch.randn(200, 8, generator=torch.Generator().manual_seed(1))
    assert torch.equal(first_rows(points, 16, 1.0), first_rows(points.clone(), 16, 1.0))


def test_with_too_few_patches_their_centres_repeat() -> None:
    points = torch.tensor([[3.0, 0.0], [0.0, 4.0], [3.0, 0.0]])
    rows = first_rows(points, soft=5, norm=2.0)
    assert rows.shape == (6, 2)
    assert torch.equal(rows[1:3], rows[3:5])
    assert sorted(rows[1:3].tolist()) == [[0.0, 2.0], [2.0, 0.0]]
    assert torch.allclose(rows[0], rows[1:].mean(0))


def test_a_picture_of_one_color_is_enough(tiny: BaseModel) -> None:
    points = projected(tiny, concept_patches(tiny, [Example(plain("red"))]))
    rows = first_rows(points, soft=16, norm=1.0)
    assert rows.shape == (17, 48)
    assert rows.isfinite().all()
