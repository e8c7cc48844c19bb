"""MyVLM on a tiny LLaVA: its objective and scales by independent formulas, its way with photos."""

import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from transformers import LlavaForConditionalGeneration

from kith.errors import InvalidInput
from services.baselines import artefacts
from services.baselines.artefacts import Artefact
from services.baselines.base_model import BaseModel, Sample, chat, state_hash
from services.baselines.captions import named, told_captions
from services.baselines.concept_embedding import (
    INSTRUCTION,
    REGULARISER,
    cls_norm,
    fresh,
    objective,
    samples,
    scaled,
)
from services.baselines.heads import HeadRecipe
from services.baselines.material import Example, Material, Subject
from services.baselines.methods.base import Learned, Models
from services.baselines.methods.myvlm import MyVLM
from services.baselines.training import CHECKPOINT
from services.generation.prompt import IMAGE, Rendered
from services.runtime.profile import GeneratorSpec
from tests.generation.tiny import IMAGE_TOKENS

RED, BLUE = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (30, 40), "blue")


@pytest.fixture
def base(tiny_spec: GeneratorSpec) -> BaseModel:
    return BaseModel(tiny_spec, "cpu", soft=0)


@pytest.fixture
def models(base: BaseModel) -> Models:
    return Models(base, colors)


@pytest.fixture
def material(material: Material) -> Material:
    """With captions: the tiny model's own are long and say nothing."""
    (subject,) = material.subjects
    captioned = tuple(replace(one, caption="<bo>.") for one in subject.examples)
    return replace(material, subjects=(replace(subject, examples=captioned),))


@pytest.fixture
def quick() -> MyVLM:
    method = MyVLM()
    return replace(method, recipe=replace(method.recipe, epochs=3), head=HeadRecipe(steps=100))


def colors(images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Stands for the embedder: mean colours, of unit length."""
    rows = np.array([np.asarray(i, np.float32).mean((0, 1)) + 1 for i in images], np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def trained(
    method: MyVLM, models: Models, material: Material, folder: Path, steps: int | None = None
) -> Artefact | None:
    """What a training ends with; None where it is stopped after some steps."""
    training = method.train(models, material, folder)
    count = 0
    while steps is None or count < steps:
        try:
            next(training)
        except StopIteration as end:
            (artefact,) = end.value
            return artefact
        count += 1
    training.close()
    return None


def sample(base: BaseModel, picture: Image.Image, answer: str) -> Sample:
    asked = f"{IMAGE}{base.slots[0].name}\n{INSTRUCTION.format('<bo>')}"
    return Sample(chat(asked), (picture,), answer)


def plain_model(spec: GeneratorSpec) -> LlavaForConditionalGeneration:
    return LlavaForConditionalGeneration.from_pretrained(
        spec.directory, dtype=torch.float64, attn_implementation="eager"
    )


def by_hand(
    base: BaseModel, network: LlavaForConditionalGeneration, row: Tensor, one: Sample, length: int
) -> tuple[Tensor, Tensor]:
    """Log-likelihoods of the answer's tokens, and the mean square of the embedding's row of
    attention a layer, over `length` positions; from transformers' model and nothing of ours."""
    prompt = f"USER: {IMAGE}\nPlease caption this image of <bo>. ASSISTANT:"
    read = base.processor(images=list(one.images), text=prompt, return_tensors="pt")
    whole = base.processor(
        images=list(one.images), text=f"{prompt} {one.answer}", return_tensors="pt"
    )
    ids = whole["input_ids"]
    pictures = network.get_image_features(whole["pixel_values"].double()).pooler_output[0]
    words = network.get_input_embeddings()(ids)[0]
    is_picture = ids[0] == network.config.image_token_id
    end = int(is_picture.nonzero().max()) + 1
    words = words.masked_scatter(is_picture[:, None], pictures)
    words = torch.cat([words[:end], row, words[end:]])[None]
    out = network.model.language_model(inputs_embeds=words, output_attentions=True)
    logits = network.lm_head(out.last_hidden_state)[0].log_softmax(-1)
    first = read["input_ids"].shape[1]
    chances = torch.stack(
        [logits[place, ids[0, place]] for place in range(first, ids.shape[1])]
    )  # the row shifts answers by one, prediction looks one ahead
    heads = network.config.text_config.num_attention_heads
    squares = sum((a[0, :, end] ** 2).sum() / heads / length for a in out.attentions)
    return chances, squares


def test_the_objective_is_the_published_formula(base: BaseModel, tiny_spec: GeneratorSpec) -> None:
    e = 7 * fresh(base, seed=2)
    batch = [sample(base, RED, "Yes, <bo> is here."), sample(base, BLUE, "a dog, <bo>")]
    network = plain_model(tiny_spec)
    row = 3.5 * e / (e**2).sum() ** 0.5
    texts = [f"{base.prompt(one.messages)} {one.answer}" for one in batch]
    length = base.read(texts, [RED, BLUE])["input_ids"].shape[1]
    parts = [by_hand(base, network, row, one, length) for one in batch]
    crossed = -torch.cat([chances for chances, _ in parts]).mean()
    squares = sum(square for _, square in parts)
    for weight in (REGULARISER, 100.0):
        told = objective(base, e.requires_grad_(), 3.5, batch, weight)
        assert told.item() == pytest.approx((crossed + weight * squares).item(), rel=1e-6)


def test_the_gradient_of_the_objective_is_that_of_the_formula(
    base: BaseModel, tiny_spec: GeneratorSpec
) -> None:
    batch = [sample(base, RED, "Yes, <bo> is here.")]
    ours, theirs = (fresh(base, seed=2).requires_grad_() for _ in range(2))
    objective(base, ours, 3.5, batch, weight=10.0).backward()
    text = f"{base.prompt(batch[0].messages)} {batch[0].answer}"
    length = base.read([text], [RED])["input_ids"].shape[1]
    row = 3.5 * theirs / (theirs**2).sum() ** 0.5
    chances, squares = by_hand(base, plain_model(tiny_spec), row, batch[0], length)
    (10 * squares - chances.mean()).backward()
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-4, atol=1e-9)


def test_an_embedding_is_as_long_as_the_projected_cls_feature(
    base: BaseModel, tiny_spec: GeneratorSpec
) -> None:
    network = plain_model(tiny_spec).model
    lengths = []
    for picture in (RED, BLUE):
        pixels = base.processor(images=picture, text=IMAGE, return_tensors="pt")["pixel_values"]
        layers = network.vision_tower(pixels.double(), output_hidden_states=True).hidden_states
        first = layers[network.config.vision_feature_layer][0, 0]
        lengths.append((network.multi_modal_projector(first) ** 2).sum().sqrt().item())
    norm = cls_norm(base, [RED, BLUE])
    assert norm == pytest.approx(sum(lengths) / 2, rel=1e-6)
    assert float(fresh(base, 1).norm()) == pytest.approx(1)
    assert float(scaled(9 * fresh(base, 1), norm).norm()) == pytest.approx(norm)


def test_the_embedding_is_one_token_right_after_the_pictures(base: BaseModel) -> None:
    (one,) = samples(random.Random(1), base, "<bo>", [RED], ["<bo>."], 4)
    ids = base.read([base.prompt(one.messages)], one.images)["input_ids"][0].tolist()
    slot = base.tokenizer.convert_tokens_to_ids(base.slots[0].name)
    assert ids.index(slot) == ids.index(base.network.config.image_token_id) + IMAGE_TOKENS
    assert ids.count(slot) == 1
    assert one.answer == "<bo>."


def test_training_leaves_every_weight_of_the_model_as_it_is(
    models: Models, material: Material, quick: MyVLM, folder: Path
) -> None:
    before = state_hash(models.base.network)
    artefact = trained(quick, models, material, folder)
    assert artefact is not None
    assert state_hash(models.base.network) == before
    untrained = scaled(fresh(models.base, quick.recipe.seed), 1.0).float()
    read = artefact.rows.read
    assert not torch.allclose(read / read.norm(), untrained.to(read), atol=1e-3)


def test_a_training_that_was_stopped_ends_with_the_same_numbers(
    models: Models, material: Material, quick: MyVLM, tmp_path: Path
) -> None:
    whole = trained(quick, models, material, tmp_path / "a")
    assert whole is not None
    folder, pictures = tmp_path / "b", len(material.subjects[0].examples)
    assert trained(quick, models, material, folder, steps=2 + pictures + 2) is None  # of 3 epochs
    assert (folder / "c1" / CHECKPOINT).exists()
    resumed = trained(quick, models, material, folder)
    assert resumed is not None
    for name, tensor in whole.tensors.items():
        assert torch.equal(tensor, resumed.tensors[name]), name


def test_an_artefact_survives_its_file_and_its_token_is_never_written(
    models: Models, material: Material, quick: MyVLM, folder: Path, tmp_path: Path
) -> None:
    artefact = trained(quick, models, material, folder)
    assert artefact is not None
    artefact.save(tmp_path / "bo.safetensors")
    read = artefacts.load(tmp_path / "bo.safetensors", "myvlm", models.base.fingerprint)
    width = models.base.own_embedding.shape[1]
    assert read.rows.read.shape == (1, width)
    assert read.rows.written.shape == (0, width)
    assert read.header.data == material.fingerprint


def test_a_photo_gets_the_token_only_where_the_head_sees_the_concept(
    models: Models, material: Material, quick: MyVLM, folder: Path
) -> None:
    artefact = trained(quick, models, material, folder)
    assert artefact is not None
    concepts = [Learned("c1", "bo", artefact), Learned("c2", "kim", artefact)]
    seen, unseen = quick.recognize(models, RED, concepts), quick.recognize(models, BLUE, concepts)
    assert [one.present for one in (*seen, *unseen)] == [True, True, False, False]
    a, b = (slot.name for slot in models.base.slots[:2])
    text = f"{IMAGE}\nand {IMAGE}\nIs {a} with {b}?"
    asked = Rendered([{"role": "user", "content": [{"type": "text", "text": text}]}], [BLUE, RED])
    told = quick.tell(models, asked, concepts)
    assert told.messages == chat(f"{IMAGE}\nand {IMAGE}{a}{b}\nIs <bo> with <kim>?")
    assert told.images == [BLUE, RED]
    assert quick.rows(concepts).read.shape[0] == 2


def test_names_that_are_special_tokens_stay_text(
    models: Models, material: Material, quick: MyVLM, folder: Path
) -> None:
    (subject,) = material.subjects
    artefact = trained(
        quick, models, replace(material, subjects=(replace(subject, name="image"),)), folder
    )
    assert artefact is not None
    text = f"{IMAGE}\nIs {models.base.slots[0].name} here?"
    asked = Rendered([{"role": "user", "content": [{"type": "text", "text": text}]}], [BLUE])
    told = quick.tell(models, asked, [Learned("c1", "image", artefact)])
    assert told.messages == chat(f"{IMAGE}\nIs < image> here?")


def test_without_negatives_nothing_is_trained(
    models: Models, material: Material, quick: MyVLM, folder: Path
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        trained(quick, models, replace(material, hard=(), soft=()), folder)
    assert refusal.value.reason == "NEGATIVES_MISSING"


@pytest.mark.parametrize(
    ("caption", "expected"),
    [
        ("A photo of a small brown dog with a red ball.", "A photo of <bo> with a red ball."),
        ("The dog is next to the other dog.", "<bo> is next to the other dog."),
        ("A cat and a dog.", "A cat and <bo>."),
        ("<bo> and a dog.", "<bo> and a dog."),
        ("A dogged cat.", ""),
    ],
)
def test_a_name_takes_the_place_of_its_things_phrase(caption: str, expected: str) -> None:
    assert named(caption, "<bo>", "dog") == expected


def test_captions_are_given_or_written_and_always_hold_the_name(base: BaseModel) -> None:
    given = (Example(RED, "A dog on grass."), Example(RED, "On grass."), Example(BLUE))
    subject = Subject("c1", "bo", "dog", given)
    telling, told = told_captions(base, subject, 5), None
    while told is None:
        try:
            next(telling)
        except StopIteration as end:
            told = end.value
    assert told[:2] == ["<bo> on grass.", "A photo of <bo>. On grass."]
    assert "<bo>" in told[2]
