"""MyVLM's heads: trained by the published steps, and faces told apart by the published rule."""

import random
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from kith.errors import InvalidInput, Refused
from services.baselines.faces import (
    THRESHOLD,
    InsightFaces,
    Vectors,
    certainty,
    own_faces,
)
from services.baselines.heads import Head, HeadRecipe, copies, draws, train_head

RECIPE = HeadRecipe(steps=60)


def cloud(seed: int, count: int, shift: float) -> Tensor:
    """Unit vectors [count, 2 copies, 6], double."""
    rng = torch.Generator().manual_seed(seed)
    middle = torch.tensor([5.0, 1.0, 0.0, 0.0, 0.0, 0.0]) + shift * torch.eye(6)[2]
    drawn = middle + torch.randn(count, 2, 6, generator=rng)
    return (drawn / drawn.norm(dim=-1, keepdim=True)).double()


def by_hand(positives: Tensor, negatives: Tensor, recipe: HeadRecipe) -> tuple[Tensor, Tensor]:
    """AdamW, clipping, the cosine and the cross-entropy's gradient, all written out."""
    flat = negatives.reshape(-1, 6)
    middle = flat.sum(0) / len(flat)
    length = (((flat - middle) ** 2).sum() / len(flat)) ** 0.5
    x = (torch.cat([positives, negatives]) - middle) / length
    y = torch.tensor([1] * len(positives) + [0] * len(negatives))
    start = torch.Generator().manual_seed(recipe.seed)
    w = (torch.rand(2, 6, generator=start, dtype=torch.float64) * 2 - 1) / 6**0.5
    theta = torch.cat([w, torch.zeros(2, 1, dtype=torch.float64)], 1)
    first, second = torch.zeros_like(theta), torch.zeros_like(theta)
    for step, (rows, which) in enumerate(zip(*draws(y, 2, recipe), strict=True)):
        last = recipe.last_learning_rate
        cosine = (1 + np.cos(np.pi * step / recipe.steps)) / 2
        rate = last + (recipe.learning_rate - last) * cosine
        seen = torch.cat([x[rows, which], torch.ones(len(rows), 1, dtype=torch.float64)], 1)
        chances = (seen @ theta.T).exp()
        chances = chances / chances.sum(1, keepdim=True)
        gradient = (chances - torch.eye(2)[y[rows]]).T @ seen / len(rows)
        gradient = gradient * min(1.0, recipe.clip / (float(gradient.norm()) + 1e-6))
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        theta = theta * (1 - rate * recipe.weight_decay)
        speed = (second / (1 - 0.999 ** (step + 1))) ** 0.5 + 1e-8
        theta = theta - rate * first / (1 - 0.9 ** (step + 1)) / speed
    weight = theta[:, :6] / length
    return weight, theta[:, 6] - weight @ middle


def test_a_head_is_trained_by_the_published_steps() -> None:
    positives, negatives = cloud(1, 4, 2.0), cloud(2, 20, 0.0)
    head = train_head(positives, negatives, RECIPE)
    weight, bias = by_hand(positives, negatives, RECIPE)
    assert torch.allclose(head.weight, weight, rtol=1e-6)
    assert torch.allclose(head.bias, bias, rtol=1e-6)


def test_few_positives_are_drawn_as_often_as_many_negatives() -> None:
    labels = torch.tensor([1] * 4 + [0] * 150)
    rows, which = draws(labels, 3, HeadRecipe())
    assert rows.shape == which.shape == (500, 16)
    assert float(labels[rows].double().mean()) == pytest.approx(0.5, abs=0.02)
    assert set(which.flatten().tolist()) == {0, 1, 2}


def test_a_head_learns_its_concept_and_says_so_in_probabilities() -> None:
    head = train_head(cloud(1, 10, 3.0).float(), cloud(2, 100, 0.0).float(), HeadRecipe())
    same, others = cloud(3, 50, 3.0)[:, 0].float().numpy(), cloud(4, 50, 0.0)[:, 0].float().numpy()
    assert np.mean(np.array(head.probabilities(same)) >= 0.5) > 0.85
    assert np.mean(np.array(head.probabilities(others)) < 0.5) > 0.85
    untrained = Head(torch.zeros(2, 6), torch.zeros(2))
    assert untrained.probabilities(same[:2]) == [0.5, 0.5]


def test_copies_are_of_the_picture_and_of_its_size() -> None:
    picture = Image.linear_gradient("L").convert("RGB").resize((40, 30))
    first, *turned = copies(picture, 3, random.Random(1))
    assert first is picture
    assert len(turned) == 3
    assert all(one.size == picture.size and one.tobytes() != picture.tobytes() for one in turned)


def face(degrees: float) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    radians = np.deg2rad(degrees)
    return np.array([np.cos(radians), np.sin(radians)], np.float32)


def some(*degrees: float) -> Vectors:
    return np.array([face(d) for d in degrees], np.float32).reshape(-1, 2)


LIMIT = float(np.rad2deg(np.arccos(1 - THRESHOLD)))  # about 71 degrees


@pytest.mark.parametrize(
    ("faces", "present"),
    [
        (some(), False),
        (some(LIMIT - 1), True),
        (some(LIMIT + 11), False),
        (some(180, 5), True),
        (some(180, 130), False),
    ],
)
def test_a_person_is_there_if_one_face_is_near_enough(faces: Vectors, present: bool) -> None:
    score = certainty(some(0, 10), faces)
    assert 0 <= score <= 1
    assert (score >= 0.5) == present


def test_of_several_faces_the_one_that_other_views_show_alone_is_taken() -> None:
    keys = own_faces([some(0), some(), some(20, 150)])
    assert np.allclose(keys, some(0, 20))
    assert own_faces([some(), some()]).size == 0


@pytest.mark.parametrize("found", [[some(0, 90)], [some(0), some(5, 10)], [some(0), some(90, 120)]])
def test_views_that_do_not_agree_on_a_face_are_refused(found: list[Vectors]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        own_faces(found)
    assert refusal.value.reason == "FACE_AMBIGUOUS"


def test_missing_weights_and_a_missing_library_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="det_10g") as refusal:
        InsightFaces(tmp_path)
    assert refusal.value.reason == "WEIGHTS_MISSING"
    write_weights(tmp_path)
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    with pytest.raises(Refused, match="insightface is not installed") as refusal:
        InsightFaces(tmp_path)
    assert refusal.value.reason == "LIBRARY_MISSING"


def test_the_library_gets_the_folder_and_pictures_in_its_order_of_colours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FaceAnalysis:
        def __init__(self, name: str, allowed_modules: list[str], providers: list[str]) -> None:
            assert Path(name) == tmp_path
            assert allowed_modules == ["detection", "recognition"]

        def prepare(self, ctx_id: int, det_size: tuple[int, int]) -> None:
            assert det_size == (640, 640)

        def get(self, pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]") -> list[object]:
            if pixels[0, 0].tolist() == [0, 0, 255]:  # blue, green, red
                return [SimpleNamespace(normed_embedding=face(30))]
            return []

    module = ModuleType("insightface.app")
    module.FaceAnalysis = FaceAnalysis  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "insightface", ModuleType("insightface"))
    monkeypatch.setitem(sys.modules, "insightface.app", module)
    write_weights(tmp_path)
    faces = InsightFaces(tmp_path)
    assert np.allclose(faces(Image.new("RGB", (8, 8), "red")), some(30))
    assert len(faces(Image.new("RGB", (8, 8), "blue"))) == 0


def write_weights(folder: Path) -> None:
    for name in ("det_10g.onnx", "w600k_r50.onnx"):
        (folder / name).write_bytes(b"")
