"""Concept tokens: words that a user's concepts add to a language model, beside its own.

Their rows are parameters of their own, next to the model's embedding and output matrices and never
in them, so that training them cannot move any other row.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

MAX_CONCEPTS: Final = 16
"""Concepts that one prompt can be about."""


@dataclass(frozen=True)
class Slot:
    """The tokens that stand for one concept in a prompt, whichever concept that is."""

    name: str
    """Stands for the concept itself: `<sks>` in the papers."""
    soft: tuple[str, ...]
    """The learned tokens that describe it: `<token0>`, `<token1>`, ..."""

    @property
    def tokens(self) -> tuple[str, ...]:
        """All of them, in the order of a concept's rows."""
        return (self.name, *self.soft)

    @property
    def sentence(self) -> str:
        """What tells the model of the concept, as the papers do."""
        return f"{self.name} is {''.join(self.soft)}."


def slots(soft: int, count: int = MAX_CONCEPTS) -> tuple[Slot, ...]:
    """Names for the tokens of `count` concepts, `soft` learned ones each."""
    return tuple(
        Slot(f"<|concept{i}|>", tuple(f"<|concept{i}.{j}|>" for j in range(soft)))
        for i in range(count)
    )


@dataclass(frozen=True)
class Rows:
    """What concept tokens are read as and written by."""

    read: Tensor
    """[n, d] embedding rows, in the order of the tokens."""
    written: Tensor
    """[n, d] rows of the output matrix."""

    def to(self, device: torch.device | str) -> "Rows":
        """The same on another device."""
        return Rows(self.read.to(device), self.written.to(device))


def joined(rows: list[Rows]) -> Rows:
    """The rows of several concepts, one after the other."""
    return Rows(torch.cat([r.read for r in rows]), torch.cat([r.written for r in rows]))


class WiderEmbedding(nn.Module):
    """An embedding that knows added tokens beside its own.

    Args:
        own: The model's embedding [V, d]; it stays as it is.
        first: Id of the first added token; ids from it on are added ones.
    """

    def __init__(self, own: nn.Embedding, first: int) -> None:
        super().__init__()
        self.own = own
        self.first = first
        self.worn: Rows | None = None
        """Of the added tokens; ids beyond them have no meaning."""

    @property
    def weight(self) -> Tensor:
        """The model's own rows, where libraries look for them."""
        return self.own.weight

    def forward(self, ids: Tensor) -> Tensor:
        """Ids [...] to vectors [..., d]."""
        is_added = ids >= self.first
        known: Tensor = self.own(ids.masked_fill(is_added, 0))
        if self.worn is None:
            return known
        rows = self.worn.read.to(known.dtype)
        return torch.where(is_added[..., None], rows[(ids - self.first).clamp(min=0)], known)


class WiderHead(nn.Module):
    """An output layer that gives logits for added tokens beside its own.

    Args:
        own: The model's output layer [V, d]; it stays as it is.
        first: As for `WiderEmbedding`: own rows from there on are padding, and are left out.
    """

    def __init__(self, own: nn.Linear, first: int) -> None:
        super().__init__()
        self.own = own
        self.first = first
        self.worn: Rows | None = None

    @property
    def weight(self) -> Tensor:
        """The model's own rows."""
        return self.own.weight

    def forward(self, hidden: Tensor) -> Tensor:
        """Hidden states [..., d] to logits [..., first + n]."""
        known: Tensor = self.own(hidden)[..., : self.first]
        if self.worn is None:
            return known
        return torch.cat([known, hidden @ self.worn.written.to(hidden.dtype).T], dim=-1)
