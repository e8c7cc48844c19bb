"""The loop that all trainings share: epochs, checkpoints, resume, early stop, the best kept.

A training is a generator: whoever runs it takes one step at a time, so that answers find room in
between, and stops it by taking no more.
"""

import math
import random
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

T = TypeVar("T")

CHECKPOINT: Final = "checkpoint.pt"

PUBLISHED_SCALE: Final = 0.02
"""Standard deviation of a fresh embedding row in the models that the papers train on."""


@dataclass(frozen=True)
class Recipe:
    """How long and how fast is learned."""

    epochs: int = 15
    batch: int = 1
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    clip: float = math.inf
    """Largest norm of a step's gradient."""
    first_best: int = 1
    """Epoch from which on the best one is looked for."""
    patience: int = 15
    """Epochs without a better score or a smaller loss after which to stop."""
    seed: int = 0

    def scaled(self, scale: float, batch: int) -> "Recipe":
        """The recipe for a model whose embedding rows have this root mean square.

        The published step fits rows of about `PUBLISHED_SCALE`; a small model's are many times
        larger, and would hardly move.
        """
        factor = max(1.0, scale / PUBLISHED_SCALE)
        return replace(self, learning_rate=self.learning_rate * factor, batch=batch)


class Progress(NamedTuple):
    """How far a training is."""

    epochs: int
    """Done."""
    of: int
    """There will be at most."""
    share: float
    """Of all steps, 0 to 1."""
    loss: float
    """Mean of the last whole epoch; of the steps so far in the first."""


class Lesson(NamedTuple):
    """What `fit` needs to know of a method."""

    parameters: Mapping[str, nn.Parameter]
    """All that is trained."""
    samples: Callable[[random.Random], Sequence[Any]]
    """An epoch's samples; the same generator gives the same."""
    loss: Callable[[Sequence[Any]], Tensor]
    """Of a batch."""
    score: Callable[[], float] | None = None
    """Of the parameters as they are, higher is better; without it the last epoch is kept."""


def fit(
    lesson: Lesson, recipe: Recipe, folder: Path
) -> Generator[Progress, None, dict[str, Tensor]]:
    """Trains `lesson.parameters` in place; returns the best epoch's values.

    Yields after every step, and once more after the last epoch. A run that was stopped goes on from
    the last whole epoch and ends with the same numbers as one that was not.

    Args:
        lesson: What is learned.
        recipe: How.
        folder: Where the checkpoint lies; it is left to the caller to delete.
    """
    optimizer = torch.optim.AdamW(
        lesson.parameters.values(), recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    state = _State.begin(lesson)
    state.read(folder, lesson, optimizer)
    while not state.over(recipe):
        rng = random.Random(f"{recipe.seed}:{state.epoch}")
        torch.manual_seed(rng.getrandbits(32))
        samples = list(lesson.samples(rng))
        steps = list(batches(samples, recipe.batch))
        total = 0.0
        for number, batch in enumerate(steps, 1):
            optimizer.zero_grad()
            loss = lesson.loss(batch)
            loss.backward()
            nn.utils.clip_grad_norm_(list(lesson.parameters.values()), recipe.clip)
            optimizer.step()
            total += loss.item()
            share = (state.epoch + number / len(steps)) / recipe.epochs
            shown = state.losses[-1] if state.losses else total / number
            yield Progress(state.epoch, recipe.epochs, share, shown)
        state.learned(lesson, recipe, total / len(steps))
        state.write(folder, lesson, optimizer)
    if state.losses:  # the last epoch is done with, which no step has told yet
        yield Progress(state.epoch, recipe.epochs, state.epoch / recipe.epochs, state.losses[-1])
    return state.best


@dataclass
class _State:
    """Where a training stands between two epochs."""

    best: dict[str, Tensor]
    epoch: int = 0
    score: float = -math.inf
    loss: float = math.inf
    waited: int = 0
    losses: tuple[float, ...] = ()

    @classmethod
    def begin(cls, lesson: Lesson) -> "_State":
        return cls(_values(lesson))

    def over(self, recipe: Recipe) -> bool:
        return self.epoch >= recipe.epochs or self.waited >= recipe.patience

    def learned(self, lesson: Lesson, recipe: Recipe, loss: float) -> None:
        """Takes note of an epoch."""
        self.epoch += 1
        self.losses += (loss,)
        if self.epoch < recipe.first_best:
            return
        score = lesson.score() if lesson.score else 0.0
        better = score > self.score or loss < self.loss
        self.waited = 0 if better else self.waited + 1
        if score >= self.score or lesson.score is None:
            self.best, self.score = _values(lesson), score
        self.loss = min(loss, self.loss)

    def write(self, folder: Path, lesson: Lesson, optimizer: torch.optim.Optimizer) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        told = vars(self) | {"now": _values(lesson), "optimizer": optimizer.state_dict()}
        partial = folder / f"{CHECKPOINT}.partial"
        torch.save(told, partial)
        partial.replace(folder / CHECKPOINT)

    def read(self, folder: Path, lesson: Lesson, optimizer: torch.optim.Optimizer) -> None:
        """Takes up a checkpoint, if there is one."""
        if not (folder / CHECKPOINT).exists():
            return
        told = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
        optimizer.load_state_dict(told.pop("optimizer"))
        with torch.no_grad():
            for name, values in told.pop("now").items():
                lesson.parameters[name].copy_(values)
        vars(self).update(told)


def _values(lesson: Lesson) -> dict[str, Tensor]:
    return {name: p.detach().cpu().clone() for name, p in lesson.parameters.items()}


def batches(samples: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The samples in order, so many at a time."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]
