"""Boxes on grids."""

import numpy as np
import pytest

from datagen.msdiffusion.layout import Grid, box_masks, grids
from tests.datagen.msdiffusion.formulas import in_box

BOXES = [
    (0.0, 0.25, 0.5, 0.75),
    (0.35, 0.25, 0.65, 0.75),
    (0.25, 0.6, 0.55, 1.0),
    (0.0, 0.0, 1.0, 1.0),
    (0.0, 0.0, 0.0, 0.0),
    (0.07, 0.29, 0.58, 0.57),
]


@pytest.mark.parametrize("grid", [Grid(32, 32), Grid(20, 28), Grid(7, 100), Grid(1, 1)])
def test_a_mask_is_every_cell_that_the_box_touches(grid: Grid) -> None:
    masks = box_masks([BOXES, BOXES[::-1]], grid)
    assert masks.shape == (2, grid.cells, len(BOXES))
    for place, box in enumerate(BOXES):
        expected = in_box(box, grid.height, grid.width)
        np.testing.assert_array_equal(masks[0, :, place], expected)
        np.testing.assert_array_equal(masks[1, :, -1 - place], expected)


def test_a_layer_knows_its_grid_by_its_cells_also_when_sides_differ_or_are_odd() -> None:
    assert grids(128, 128, 3) == {16384: (128, 128), 4096: (64, 64), 1024: (32, 32)}
    assert grids(96, 168, 3) == {16128: (96, 168), 4032: (48, 84), 1008: (24, 42)}
    assert grids(9, 5, 3) == {45: (9, 5), 15: (5, 3), 6: (3, 2)}
