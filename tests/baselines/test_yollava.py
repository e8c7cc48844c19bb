"""Yo'LLaVA: what is learned from what, and that nothing else moves."""

import random
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import ImageOps

from kith.errors import Refused
from services.baselines import conversations
from services.baselines.artefacts import Artefact
from services.baselines.base_model import BaseModel, state_hash
from services.baselines.looks import told_looks
from services.baselines.material import Material
from services.baselines.methods import yollava
from services.baselines.methods.base import Learned, Models
from services.baselines.methods.yollava import YoLLaVA
from services.baselines.training import CHECKPOINT, Recipe
from services.generation.prompt import IMAGE, Rendered, text_in

from .conftest import plain

LOOKS = [("What color is {}?", "{} is red")]


def no_embedder(images: object) -> None:
    raise AssertionError("Yo'LLaVA embeds nothing")


@pytest.fixture
def models(tiny: BaseModel) -> Models:
    return Models(tiny, no_embedder)  # type: ignore[arg-type]


def quick(epochs: int = 2) -> YoLLaVA:
    return YoLLaVA(recipe=Recipe(epochs=epochs))


def learn(method: YoLLaVA, models: Models, material: Material, folder: Path) -> Artefact:
    training = method.train(models, material, folder)
    while True:
        try:
            next(training)
        except StopIteration as end:
            artefacts: list[Artefact] = end.value
            return artefacts[0]


def test_an_epoch_holds_the_four_kinds_of_conversation(tiny: BaseModel, material: Material) -> None:
    slot, subject = tiny.slots[0], material.subjects[0]
    pictures = yollava.Pictures(subject, material)
    drawn = yollava.samples(random.Random(0), slot, pictures, LOOKS)
    own = [e.image for e in subject.examples]
    own += [ImageOps.mirror(image) for image in own]
    kinds: Counter[str] = Counter()
    for sample in drawn:
        text = text_in(sample.messages[0])
        told = f"{slot.name} is {''.join(slot.soft)}. "
        if not sample.images:
            kinds["text"] += 1
            assert text == told + f"What color is {slot.name}?"
            assert sample.answer == f"{slot.name} is red"
            continue
        assert text.startswith(f"{IMAGE}\n{told}")
        present = sample.images[0] in own
        kinds["positive" if present else "negative"] += 1
        assert sample.answer.startswith("Yes" if present else "No")
    assert kinds == {"positive": 100, "negative": 4, "text": 1}


def test_an_epoch_is_the_same_for_the_same_seed_only(tiny: BaseModel, material: Material) -> None:
    def answers(seed: int) -> list[str]:
        pictures = yollava.Pictures(material.subjects[0], material)
        drawn = yollava.samples(random.Random(seed), tiny.slots[0], pictures, LOOKS)
        return [sample.answer for sample in drawn]

    assert answers(1) == answers(1) != answers(2)


def test_fresh_rows_are_normal_and_as_large_as_the_models_own(tiny: BaseModel) -> None:
    rows = yollava.fresh_rows(tiny, seed=1)
    own = tiny.own_embedding.square().mean().sqrt()
    assert rows["read"].shape == rows["written"].shape == (17, 48)
    assert rows["read"].std().item() == pytest.approx(own.item(), rel=0.1)
    assert rows["written"].std().item() == pytest.approx(0.02, rel=0.1)
    assert not torch.equal(rows["read"], yollava.fresh_rows(tiny, seed=2)["read"])


def test_training_moves_the_rows_and_not_a_bit_of_the_model(
    models: Models, material: Material, folder: Path
) -> None:
    before = state_hash(models.base.network)
    artefact = learn(quick(), models, material, folder)
    assert state_hash(models.base.network) == before
    fresh = yollava.fresh_rows(models.base, 0)
    for name, rows in artefact.tensors.items():
        moved = (rows - fresh[name]).norm(dim=1)
        assert (moved > 1e-3).all(), name
    header = artefact.header
    assert (header.method, header.base) == ("yollava-s", models.base.fingerprint)
    assert header.tokens[:2] == ("<bo>", "<token0>")
    assert len(header.tokens) == 17
    assert header.recipe["batch"] == 16
    assert header.recipe["learning_rate"] == pytest.approx(1e-3 * max(1, models.base.scale / 0.02))
    assert header.data == material.fingerprint


def test_a_killed_training_goes_on_and_ends_with_the_same_rows(
    models: Models, material: Material, tmp_path: Path
) -> None:
    whole = learn(quick(), models, material, tmp_path / "whole")
    begun = quick().train(models, material, tmp_path / "killed")
    while not (tmp_path / "killed" / "c1" / CHECKPOINT).exists():
        next(begun)
    next(begun)
    del begun
    resumed = learn(quick(), models, material, tmp_path / "killed")
    for name, rows in whole.tensors.items():
        assert torch.equal(rows, resumed.tensors[name]), name


def test_looks_are_asked_once_of_the_base_model(
    tiny: BaseModel, material: Material, folder: Path
) -> None:
    told = told_looks(tiny, material.subjects, 1, folder)
    steps = sum(1 for _ in told)
    assert steps == 5 * len(conversations.LOOKS)
    assert sum(1 for _ in told_looks(tiny, material.subjects, 1, folder)) == 0


def learned(models: Models, name: str, seed: int) -> Learned:
    rows = {k: v.detach() for k, v in yollava.fresh_rows(models.base, seed).items()}
    return Learned(name, name, Artefact(None, rows))  # type: ignore[arg-type]


def user(text: str) -> dict[str, object]:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def test_concepts_are_told_of_after_the_photos_of_the_first_question(models: Models) -> None:
    a, b = models.base.slots[:2]
    concepts = [learned(models, "bo", 1), learned(models, "mo", 2)]
    chat = Rendered([user(f"{IMAGE}{IMAGE}\nWho?"), user(f"{IMAGE}\nAnd now?")], [plain("red")] * 3)
    told = YoLLaVA("yollava-m", 0).tell(models, chat, concepts)
    first, second = map(text_in, told.messages)
    assert first == (
        f"{IMAGE}{IMAGE}\n{a.name} is {''.join(a.soft)}. {b.name} is {''.join(b.soft)}. Who?"
    )
    assert second == f"{IMAGE}\nAnd now?"
    assert told.images == chat.images
    rows = YoLLaVA("yollava-m", 0).rows(concepts)
    assert torch.equal(rows.read, torch.cat([c.artefact.rows.read for c in concepts]))


def test_a_question_without_a_photo_begins_with_the_concept(models: Models) -> None:
    slot = models.base.slots[0]
    told = YoLLaVA().tell(
        models, Rendered([user(f"What color is {slot.name}?")], []), [learned(models, "bo", 1)]
    )
    assert (
        text_in(told.messages[0])
        == f"{slot.name} is {''.join(slot.soft)}. What color is {slot.name}?"
    )


def test_each_concept_is_recognised_by_its_own_tokens(models: Models) -> None:
    photo, method = plain("red"), YoLLaVA()
    one, other = learned(models, "bo", 1), learned(models, "mo", 2)
    both = method.recognize(models, photo, [one, other])
    assert both == [
        *method.recognize(models, photo, [one]),
        *method.recognize(models, photo, [other]),
    ]
    assert both[0].score != both[1].score
    assert all(found.present == (found.score > 0.5) for found in both)


def test_s_takes_one_concept_at_a_time_and_m_many() -> None:
    assert YoLLaVA().capabilities.max_concepts_at_once == 1
    many = YoLLaVA("yollava-m", 0).capabilities
    assert (many.method, many.max_concepts_at_once) == ("yollava-m", 0)
    assert (many.positives_min, many.positives_max, many.negatives) == (5, 10, 200)
    can = {name for name, value in vars(many).items() if value is True}
    assert can == {"training", "text_only_qa"}


def test_a_wrong_base_model_is_known_by_its_fingerprint(tiny: BaseModel, tmp_path: Path) -> None:
    for file in tiny.spec.directory.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    same = BaseModel(replace(tiny.spec, directory=tmp_path), "cpu", 16)
    assert same.fingerprint == tiny.fingerprint
    with (tmp_path / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        weights.write(b"\x33")
    other = BaseModel(replace(tiny.spec, directory=tmp_path), "cpu", 16)
    assert other.fingerprint != tiny.fingerprint


def test_a_folder_without_a_model_is_refused(tiny: BaseModel, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no safetensors"):
        BaseModel(replace(tiny.spec, directory=tmp_path), "cpu", 16)
