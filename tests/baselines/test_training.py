"""The loop: same end whether or not it was stopped, the best epoch, an early end."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from services.baselines.training import CHECKPOINT, Lesson, Progress, Recipe, fit


def line(scores: Sequence[float] | None = None) -> Lesson:
    """Fits y = 3x by one number; scores as given, epoch by epoch."""
    weight = nn.Parameter(torch.zeros(1))
    left = list(scores or ())

    def samples(rng: random.Random) -> list[float]:
        return [rng.uniform(-1, 1) for _ in range(12)]

    def loss(batch: Sequence[float]) -> Tensor:
        x = torch.tensor(batch)
        return ((weight * x - 3 * x) ** 2).mean()

    return Lesson({"weight": weight}, samples, loss, (lambda: left.pop(0)) if scores else None)


def run(lesson: Lesson, recipe: Recipe, folder: Path) -> tuple[list[Progress], dict[str, Tensor]]:
    training, told = fit(lesson, recipe, folder), []
    while True:
        try:
            told.append(next(training))
        except StopIteration as end:
            return told, end.value


RECIPE = Recipe(epochs=4, batch=4, learning_rate=0.1, weight_decay=0)


def test_it_learns_and_says_how_far_it_is(tmp_path: Path) -> None:
    lesson = line()
    told, best = run(lesson, replace(RECIPE, epochs=60), tmp_path)
    assert best["weight"].item() == pytest.approx(3, abs=0.1)
    assert [p.epochs for p in told[:4]] == [0, 0, 0, 1]
    assert told[-1].share == pytest.approx(1)
    assert told[-1].loss < told[0].loss / 100


@pytest.mark.parametrize("steps", [1, 3, 5, 11])
def test_a_stopped_training_goes_on_and_ends_with_the_same_numbers(
    tmp_path: Path, steps: int
) -> None:
    _, whole = run(line(), RECIPE, tmp_path / "whole")
    begun = fit(line(), RECIPE, tmp_path / "stopped")
    for _ in range(steps):
        next(begun)
    begun.close()
    told, resumed = run(line(), RECIPE, tmp_path / "stopped")
    assert torch.equal(whole["weight"], resumed["weight"])
    assert told[0].epochs == steps // 3 - (steps % 3 == 0)  # from the last whole epoch


def test_the_best_epoch_is_kept_and_of_equals_the_last(tmp_path: Path) -> None:
    lesson = line([0.5, 0.9, 0.9, 0.6])
    told, best = run(lesson, RECIPE, tmp_path)
    again = line()
    _, third = run(again, replace(RECIPE, epochs=3), tmp_path / "three")
    assert torch.equal(best["weight"], third["weight"])
    assert told[-1].epochs == 4


def test_it_ends_early_when_neither_score_nor_loss_gets_better(tmp_path: Path) -> None:
    idle = line([1.0] + [0.5] * 9)._replace(samples=lambda rng: [0.5] * 12)
    told, _ = run(idle, replace(RECIPE, epochs=10, learning_rate=0, patience=2), tmp_path / "idle")
    assert (told[-1].epochs, told[-1].share) == (3, 0.3)
    learning = line([1.0] + [0.5] * 9)._replace(samples=lambda rng: [0.5] * 12)
    told, _ = run(learning, replace(RECIPE, epochs=10, patience=2), tmp_path / "learning")
    assert told[-1].epochs == 10


def test_a_damaged_write_leaves_the_older_checkpoint(tmp_path: Path) -> None:
    run(line(), replace(RECIPE, epochs=1), tmp_path)
    (tmp_path / f"{CHECKPOINT}.partial").write_bytes(b"half")
    told, _ = run(line(), RECIPE, tmp_path)
    assert told[0].epochs == 1


def test_the_step_grows_with_the_models_rows() -> None:
    scaled = Recipe().scaled(0.3, 8)
    assert scaled.learning_rate == pytest.approx(1.5e-2)
    assert replace(scaled, learning_rate=1e-3) == Recipe(batch=8)
    assert Recipe().scaled(0.014, 1) == Recipe()
