"""The published hyperparameters, as literals, beside what the code trains with.

Where a method leaves its paper on purpose, its module says so, and the value stands here as ours.
"""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from services.baselines import blip2, concept_embedding, faces, heads
from services.baselines.heads import HeadRecipe, train_head
from services.baselines.marks import Finder
from services.baselines.methods.mc_llava import MCLLaVA
from services.baselines.methods.myvlm import MyVLM
from services.baselines.methods.yollava import YoLLaVA
from services.baselines.training import PUBLISHED_SCALE, Lesson, Recipe, fit
from services.runtime.profile import GeneratorSpec

NOT_PUBLISHED = ("first_best", "patience", "seed")
"""Which epoch counts as best, when to stop early, and where chance begins: see the modules."""

YOLLAVA = {
    "epochs": 15,
    "batch": 1,
    "learning_rate": 1e-3,
    "weight_decay": 1e-2,
    "clip": float("inf"),
}
MC_LLAVA = {**YOLLAVA, "weight_decay": 1e-6}
MYVLM_LLAVA = {
    "epochs": 100,
    "batch": 4,
    "learning_rate": 1.0,
    "weight_decay": 1e-4,
    "clip": 0.05,
}
MYVLM_BLIP2 = {**MYVLM_LLAVA, "epochs": 75}


@pytest.mark.parametrize(
    ("recipe", "published"),
    [
        pytest.param(YoLLaVA().recipe, YOLLAVA, id="yollava-s"),
        pytest.param(YoLLaVA("yollava-m", 16).recipe, YOLLAVA, id="yollava-m"),
        pytest.param(MCLLaVA().recipe, MC_LLAVA, id="mc-llava"),
        pytest.param(MyVLM().recipe, MYVLM_LLAVA, id="myvlm"),
        pytest.param(blip2.RECIPE, MYVLM_BLIP2, id="myvlm-blip2"),
    ],
)
def test_a_methods_recipe_is_the_published_one(recipe: Recipe, published: dict[str, Any]) -> None:
    told = asdict(recipe)
    assert {name: told[name] for name in told if name not in NOT_PUBLISHED} == published
    assert set(told) == {*published, *NOT_PUBLISHED}


@pytest.mark.parametrize("method", [YoLLaVA(), MCLLaVA()])
def test_on_a_model_of_the_papers_scale_nothing_is_changed(method: YoLLaVA | MCLLaVA) -> None:
    assert PUBLISHED_SCALE == 0.02
    batch = GeneratorSpec.__dataclass_fields__["training_batch"].default
    assert batch == 1
    assert method.recipe.scaled(0.02, batch) == method.recipe
    assert method.recipe.scaled(0.01, batch) == method.recipe


def test_our_own_choices_are_the_ones_that_are_told() -> None:
    """From which epoch on the best one counts, and how long none better is waited for."""
    chosen = [
        (one.first_best, one.patience)
        for one in (YoLLaVA().recipe, MCLLaVA().recipe, MyVLM().recipe, blip2.RECIPE)
    ]
    assert chosen == [(1, 3), (6, 3), (1, 100), (1, 75)]


def test_a_concept_has_sixteen_soft_tokens_or_none() -> None:
    assert [one.soft_tokens for one in (YoLLaVA(), MCLLaVA(), MyVLM())] == [16, 16, 0]


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[torch.optim.Optimizer]:
    """The optimizers that are made."""
    all_of_them: list[torch.optim.Optimizer] = []

    class Noted(torch.optim.AdamW):
        def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
            super().__init__(*args, **kwargs)
            all_of_them.append(self)

    monkeypatch.setattr(torch.optim, "AdamW", Noted)
    return all_of_them


def test_the_optimizer_is_adamw_with_the_published_betas(
    made: list[torch.optim.Optimizer], tmp_path: Path
) -> None:
    weight = nn.Parameter(torch.zeros(1))

    def loss(batch: Sequence[float]) -> torch.Tensor:
        return ((weight - torch.tensor(batch)) ** 2).mean()

    lesson = Lesson({"weight": weight}, lambda _: [1.0], loss)
    for _ in fit(lesson, replace(YoLLaVA().recipe, epochs=1), tmp_path):
        pass
    (adamw,) = made
    told = adamw.defaults
    assert (told["lr"], told["betas"], told["eps"]) == (1e-3, (0.9, 0.999), 1e-8)
    assert told["weight_decay"] == 1e-2
    assert not told["amsgrad"]
    assert adamw.param_groups[0]["lr"] == 1e-3  # no schedule


def test_a_head_is_trained_as_published_but_for_its_first_step(
    made: list[torch.optim.Optimizer], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asdict(HeadRecipe()) == {
        "steps": 500,
        "batch": 16,
        "learning_rate": 1e-2,  # published: 1e-3; see `services.baselines.heads`
        "last_learning_rate": 5e-6,
        "weight_decay": 0.01,
        "clip": 0.1,
        "seed": 42,
    }
    clipped: list[float] = []
    clip = nn.utils.clip_grad_norm_

    def noted(parameters: Any, norm: float) -> Any:  # noqa: ANN401
        clipped.append(norm)
        return clip(parameters, norm)

    monkeypatch.setattr(heads, "clip_grad_norm_", noted)
    positives, negatives = torch.randn(2, 1, 8), torch.randn(3, 1, 8)
    train_head(positives, negatives, HeadRecipe())
    (adamw,) = made
    assert clipped == [0.1] * 500
    assert (adamw.defaults["betas"], adamw.defaults["weight_decay"]) == ((0.9, 0.999), 0.01)
    assert adamw.param_groups[0]["lr"] == pytest.approx(5e-6)  # at the end of the cosine


def test_what_a_head_and_a_face_need_to_be_seen() -> None:
    assert heads.THRESHOLD == 0.5
    assert faces.THRESHOLD == 0.675


def test_the_regularisers_weigh_as_published() -> None:
    assert concept_embedding.REGULARISER == 0.0075
    assert blip2.REGULARISER == 0.04


def test_the_published_prompt_of_a_caption() -> None:
    assert concept_embedding.INSTRUCTION.format("<bo>") == "Please caption this image of <bo>."


def test_a_mark_needs_the_published_likeness_and_share() -> None:
    finder = MCLLaVA().finder
    assert finder == Finder()
    assert finder is not None
    assert (finder.tau, finder.gamma) == (0.318, 100 / 65536)
