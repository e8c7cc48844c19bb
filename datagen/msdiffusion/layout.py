"""Where subjects may show: boxes as masks over the grids on which SDXL's layers work."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

Box = tuple[float, float, float, float]
"""x1, y1, x2, y2 in unit coordinates, origin at the top left."""

NOWHERE: Box = (0.0, 0.0, 0.0, 0.0)
"""The box of a subject that shows nowhere."""

_ROUNDING = 1e-6
"""0.55 * 20 is 11.000000000000002, and still ends at cell 11."""


class Grid(NamedTuple):
    """The size in cells of what a layer works on."""

    height: int
    width: int

    @property
    def cells(self) -> int:
        """How many cells, which a layer sees as its sequence."""
        return self.height * self.width


def grids(height: int, width: int, levels: int) -> dict[int, Grid]:
    """The grids of a U-Net's levels by their number of cells, from which a layer knows its own.

    Args:
        height: Of the latent picture.
        width: Of the latent picture; it need not be square.
        levels: How often the picture is halved, the full size included. An odd side is rounded up.
    """
    found = {}
    for _ in range(levels):
        found[height * width] = Grid(height, width)
        height, width = -(-height // 2), -(-width // 2)
    return found


def box_masks(boxes: Sequence[Sequence[Box]], grid: Grid) -> Tensor:
    """True in every cell that a box touches.

    Args:
        boxes: R boxes for each of B pictures.
        grid: What they are drawn on.

    Returns:
        bool [B, grid.cells, R], cells row by row.
    """
    x1, y1, x2, y2 = torch.tensor(boxes, dtype=torch.float64).unbind(dim=-1)
    across = _touched(x1, x2, grid.width)
    down = _touched(y1, y2, grid.height)
    return (down[..., :, None] & across[..., None, :]).flatten(2).transpose(1, 2)


def _touched(start: Tensor, end: Tensor, cells: int) -> Tensor:
    """[B, R] starts and ends to bool [B, R, cells]."""
    cell = torch.arange(cells)
    first = (start * cells + _ROUNDING).floor()[..., None]
    beyond = (end * cells - _ROUNDING).ceil()[..., None]
    return (cell >= first) & (cell < beyond)
