"""MC-LLaVA learns several concepts together, and marks them by what their patches find."""

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby, permutations
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from kith.errors import Refused
from services.baselines import joint
from services.baselines.artefacts import Artefact, load
from services.baselines.base_model import BaseModel, Sample, Worn, state_hash
from services.baselines.joint import Pictures, balanced_accuracy, samples
from services.baselines.marks import Finder
from services.baselines.material import Example, Material, Subject
from services.baselines.methods.base import RECOGNITION, Learned, Method, Models
from services.baselines.methods.mc_llava import MCLLaVA, begin_as_words, fresh_rows
from services.baselines.patches import concept_patches, patches, projected
from services.baselines.prefixes import Prefixes
from services.baselines.tokens import Rows
from services.baselines.training import Progress, Recipe
from services.baselines.wording import WORDINGS, word_rows
from services.generation.llava_model import Messages
from services.generation.prompt import IMAGE, Rendered, text_in
from services.runtime.profile import Profile

from .conftest import plain

ANYWHERE, NOWHERE = Finder(tau=-1.0), Finder(tau=1.0)
SENTENCES = WORDINGS["sentences"]
QUICK = MCLLaVA(recipe=Recipe(epochs=1, weight_decay=1e-6))
COLORS = {"bo": "red", "mo": "blue", "pip": "green"}


def checkered(color: str, seed: int) -> Image.Image:
    pixels = np.asarray(plain(color, (64, 64))).copy()
    pixels[seed * 8 : seed * 8 + 16] //= 2
    return Image.fromarray(pixels)


@pytest.fixture
def three() -> Material:
    """Three concepts of five pictures each, and four negatives."""
    subjects = tuple(
        Subject(name, name, "dog", tuple(Example(checkered(color, i)) for i in range(5)))
        for name, color in COLORS.items()
    )
    return Material(subjects, (plain("orange"), plain("gold")), (plain("pink"), plain("gray")))


LOOKS = {name: [("What is {}?", "{} is a dog, {}.")] * 3 for name in COLORS}


@pytest.fixture
def models(tiny: BaseModel) -> Models:
    def embed(images: Sequence[Image.Image]) -> np.ndarray:
        raise AssertionError("MC-LLaVA needs no embedder")

    return Models(tiny, embed)


def prepared(folder: Path) -> Path:
    """A folder where the questions about looks are answered already."""
    folder.mkdir(parents=True)
    (folder / "looks.json").write_text(json.dumps(LOOKS), encoding="utf-8")
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return prepared(tmp_path / "training")


def trained(
    method: MCLLaVA, models: Models, material: Material, folder: Path, stop: int = -1
) -> tuple[list[Progress], list[Artefact]]:
    steps: list[Progress] = []
    run = method.train(models, material, folder)
    while len(steps) != stop:
        try:
            steps.append(next(run))
        except StopIteration as ended:
            return steps, ended.value
    return steps, []


@pytest.fixture
def learned(tiny: BaseModel, three: Material) -> list[Learned]:
    """Untrained, but with rows and patches of their own."""
    banks = [concept_patches(tiny, subject.examples) for subject in three.subjects]
    rows = {name: values.detach() for name, values in fresh_rows(tiny, banks, 0).items()}
    artefacts = QUICK._artefacts(tiny, three, QUICK.recipe, rows, banks)
    return [Learned(s.id, s.name, a) for s, a in zip(three.subjects, artefacts, strict=True)]


def epoch(seed: int, base: BaseModel, material: Material, batch: int = 8) -> list[Sample]:
    looks = [LOOKS[subject.id] for subject in material.subjects]
    slots = base.slots[: len(looks)]
    return samples(random.Random(seed), SENTENCES, slots, Pictures(material), looks, batch)


def asked_of(sample: Sample) -> str:
    return text_in(sample.messages[0])


def color_of(image: Image.Image) -> tuple[int, ...]:
    """Of the brightest row: the same for all pictures of a concept, mirrored or not."""
    rows: list[tuple[int, ...]] = np.asarray(image)[:, 0].tolist()
    return tuple(max(rows))


def test_it_is_a_method() -> None:
    method: Method = MCLLaVA()
    assert method.name == method.capabilities.method == "mc-llava"
    assert method.joint
    assert method.capabilities.masks


def test_the_prompt_tells_of_all_concepts_one_after_the_other(tiny: BaseModel) -> None:
    one, two = tiny.slots[:2]
    told = f"{one.name} is {''.join(one.soft)}.{two.name} is {''.join(two.soft)}. "
    assert SENTENCES.told(tiny.slots[:2]) == told
    assert SENTENCES.named(f"Is {two.name} here?", tiny.slots) == f"Is {two.name} here?"


def test_a_model_that_knows_lists_is_told_by_a_list(tiny: BaseModel) -> None:
    one, two = tiny.slots[:2]
    wording = WORDINGS["list"]
    assert wording.told([one, two]) == (
        f"[1.{''.join(one.soft)}\n Name: <{one.name}>, Info: \n"
        f"2.{''.join(two.soft)}\n Name: <{two.name}>, Info: \n]"
    )
    assert wording.named(f"Is {two.name} here?", tiny.slots) == f"Is <{two.name}> here?"
    ids = tiny.tokenizer(f"Yes, <{two.name}> and {one.name}")["input_ids"]
    rows = torch.zeros(34, 48, dtype=torch.float64)
    with tiny.wearing(Worn(Rows(rows, rows), ("bo", "mo"))):
        assert tiny.decode(ids) == "Yes, <mo> and <bo>"


def test_names_of_a_list_begin_as_different_known_words() -> None:
    pocket = BaseModel(Profile.load("pocket").generator, "cpu", soft=16)
    words = word_rows(pocket, ["bo", "bo", "\u65e5\u672c", "mimi"])
    assert len(set(words)) == 4
    pieces = pocket.tokenizer.convert_ids_to_tokens(words)
    assert pieces[0] == "bo"
    assert all(len(piece) == 2 and piece.isalpha() for piece in pieces)
    rows = {name: nn.Parameter(torch.zeros(68, 256)) for name in ("read", "written")}
    begin_as_words(pocket, rows, ["bo", "bo", "\u65e5\u672c", "mimi"])
    assert torch.equal(rows["read"][::17], pocket.own_embedding[words])
    assert torch.equal(rows["written"][::17], pocket.own_head[words])
    assert not rows["read"][1:17].any()


def test_every_concept_is_asked_for_in_the_pictures_of_every_other(
    tiny: BaseModel, three: Material
) -> None:
    """As many joint negatives as yeses, all answered no; its own pictures are answered yes."""
    slots = {slot.name: s.name for slot, s in zip(tiny.slots, three.subjects, strict=False)}
    owners = {color_of(s.examples[0].image): s.name for s in three.subjects}
    kinds: Counter[tuple[str, str]] = Counter()
    text_only = negatives = 0
    for sample in epoch(1, tiny, three):
        text = asked_of(sample)
        told = SENTENCES.told(tiny.slots[:3])
        assert text.startswith(f"{IMAGE}\n{told}" if sample.images else f"{told}What is")
        (asked,) = {slots[slot] for slot in slots if slot in text.replace(told, "")}
        if not sample.images:
            text_only += 1
            continue
        owner = owners.get(color_of(sample.images[0]), "")
        assert sample.answer.startswith("Yes" if asked == owner else "No")
        negatives += owner == ""
        if owner:
            kinds[asked, owner] += 1
    pairs = list(permutations(COLORS, 2))
    assert {pair: kinds[pair] for pair in pairs} == dict.fromkeys(
        pairs, joint.POSITIVE_QUESTIONS // 2
    )
    assert all(kinds[name, name] == joint.POSITIVE_QUESTIONS for name in COLORS)
    assert (text_only, negatives) == (9, 4)


def test_an_epoch_is_the_same_from_the_same_seed(tiny: BaseModel, three: Material) -> None:
    first, again, other = (epoch(seed, tiny, three) for seed in (1, 1, 2))
    assert [asked_of(s) for s in first] == [asked_of(s) for s in again]
    assert [asked_of(s) for s in first] != [asked_of(s) for s in other]


def runs(drawn: Sequence[Sample]) -> list[tuple[int, ...]]:
    """The color of each picture, once for questions that follow on each other."""
    asked = [one.images[0] for one in drawn if one.images]
    return [color_of(next(run)) for _, run in groupby(asked, key=id)]


def test_questions_about_a_picture_follow_on_each_other(tiny: BaseModel, three: Material) -> None:
    drawn = epoch(1, tiny, three)
    colors = runs(drawn)
    assert len(drawn) / len(colors) > joint.TOGETHER * 0.7
    assert len(list(groupby(colors))) > 2 * len(set(colors))  # in any order beyond that
    one_by_one = epoch(1, tiny, three, batch=1)
    assert len(one_by_one) / len(runs(one_by_one)) < 1.3


def test_half_of_the_pictures_are_mirrored(tiny: BaseModel) -> None:
    image = plain("red")
    image.paste("black", (0, 0, 5, 30))
    material = Material((Subject("bo", "bo", "dog", (Example(image),) * 5),))
    drawn = [sample for sample in epoch(1, tiny, material) if sample.images]
    mirrored = sum(s.images[0].getpixel((0, 0)) != (0, 0, 0) for s in drawn)
    assert 0.3 < mirrored / len(drawn) < 0.7


def test_tokens_begin_as_the_patches_of_their_concept(tiny: BaseModel, three: Material) -> None:
    banks = [concept_patches(tiny, subject.examples) for subject in three.subjects]
    rows = fresh_rows(tiny, banks, seed=0)
    own = tiny.own_embedding.double()
    norm = sum(float((row**2).sum() ** 0.5) for row in own) / len(own)
    assert rows["read"].shape == rows["written"].shape == (3 * 17, 48)
    for i, bank in enumerate(banks):
        name, soft = rows["read"][17 * i].detach(), rows["read"][17 * i + 1 : 17 * (i + 1)].detach()
        assert soft.norm(dim=1).tolist() == pytest.approx([norm] * 16, rel=1e-5)
        assert torch.allclose(name, soft.mean(0), atol=1e-5)
        points = projected(tiny, bank)
        apart = torch.cdist(soft / norm, points / points.norm(dim=1, keepdim=True)).min(1).values
        assert float(apart.max()) < 0.5  # every token is near a patch in direction
    assert float(rows["written"].detach().std()) == pytest.approx(0.02, rel=0.1)


def test_the_first_loss_is_the_published_objective(
    models: Models, three: Material, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mean over answer tokens of -log p(token | picture, prompt, tokens before), one at a time."""
    base = models.base
    batches: list[Sequence[Sample]] = []
    loss = base.loss

    def spy(batch: Sequence[Sample], prefixes: Prefixes) -> torch.Tensor:
        batches.append(batch)
        return loss(batch, prefixes)

    monkeypatch.setattr(base, "loss", spy)
    steps, _ = trained(QUICK, models, three, folder, stop=1)
    banks = [concept_patches(base, subject.examples) for subject in three.subjects]
    rows = fresh_rows(base, banks, 0)
    told: list[float] = []
    with base.wearing(Worn(Rows(rows["read"], rows["written"]), tuple(COLORS))), torch.no_grad():
        for sample in batches[0]:
            prompt = base.prompt(sample.messages)
            begun = base.read([prompt], sample.images)["input_ids"].shape[1]
            inputs = base.read([f"{prompt} {sample.answer}"], sample.images)
            chances = base.network(**inputs).logits[0].double().softmax(-1)
            ids = inputs["input_ids"][0]
            told += [-float(chances[i - 1, ids[i]].log()) for i in range(begun, len(ids))]
    assert steps[0].loss == pytest.approx(sum(told) / len(told), rel=1e-6)


def test_training_moves_the_concepts_rows_and_nothing_else(
    models: Models, three: Material, folder: Path, learned: list[Learned], tmp_path: Path
) -> None:
    before = state_hash(models.base.network)
    _, artefacts = trained(QUICK, models, three, folder)
    assert state_hash(models.base.network) == before
    for number, (subject, artefact) in enumerate(zip(three.subjects, artefacts, strict=True)):
        untrained = learned[number].artefact
        assert artefact.rows.read.shape == artefact.rows.written.shape == (17, 48)
        assert not torch.equal(artefact.rows.read, untrained.rows.read)
        assert not torch.equal(artefact.rows.written, untrained.rows.written)
        bank = concept_patches(models.base, subject.examples)
        assert torch.equal(artefact.tensors["patches"], bank)
        assert artefact.header.tokens[0] == f"<{subject.name}>"
        assert artefact.header.tokens[1] == f"<token{16 * number}>"
        artefact.save(tmp_path / "one.safetensors")
        again = load(tmp_path / "one.safetensors", "mc-llava", models.base.fingerprint)
        assert torch.equal(again.tensors["patches"], bank)
        with pytest.raises(Refused):
            load(tmp_path / "one.safetensors", "yollava-s", models.base.fingerprint)


def test_a_stopped_training_ends_as_one_that_was_not(
    models: Models, three: Material, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joint, "POSITIVE_QUESTIONS", 5)
    method = replace(QUICK, recipe=Recipe(epochs=2, first_best=2, weight_decay=1e-6))
    whole, parts = prepared(tmp_path / "whole"), prepared(tmp_path / "parts")
    steps, expected = trained(method, models, three, whole)
    trained(method, models, three, parts, stop=len(steps) * 2 // 3)
    _, artefacts = trained(method, models, three, parts)
    for ours, theirs in zip(artefacts, expected, strict=True):
        assert torch.equal(ours.rows.read, theirs.rows.read)
        assert torch.equal(ours.rows.written, theirs.rows.written)


def test_without_negatives_the_others_pictures_are_enough(tiny: BaseModel, three: Material) -> None:
    banks = [concept_patches(tiny, subject.examples) for subject in three.subjects]
    rows = fresh_rows(tiny, banks, 0)
    with tiny.wearing(Worn(Rows(rows["read"], rows["written"]), tuple(COLORS))):
        for material in (three, replace(three, hard=(), soft=()), Material(three.subjects[:1])):
            slots = tiny.slots[: len(material.subjects)]
            assert 0 <= balanced_accuracy(tiny, SENTENCES, slots, Pictures(material)) <= 1


def test_a_chat_opens_with_the_concepts_and_its_photo_is_marked(
    models: Models, learned: list[Learned]
) -> None:
    one, two, three = models.base.slots[:3]
    first, photo = plain("pink"), checkered("red", 1)
    turns: list[dict[str, object]] = [
        {"role": "user", "content": [{"type": "text", "text": f"{IMAGE}\nHello"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Hello."}]},
        {"role": "user", "content": [{"type": "text", "text": f"{IMAGE}\nWhere is {one.name}?"}]},
    ]
    chat = Rendered(turns, [first, photo])
    told = replace(QUICK, finder=ANYWHERE).tell(models, chat, learned)
    opening = text_in(told.messages[0])
    marks = "".join(
        f"{slot.name} is located at 'Mark Number {k}'. "
        for k, slot in enumerate((one, two, three), 1)
    )
    assert opening == f"{IMAGE}\n{SENTENCES.told((one, two, three))}{marks}Hello"
    assert told.messages[1:] == turns[1:]
    assert told.images[0] is first
    assert told.images[1].tobytes() != photo.tobytes()
    assert chat.images == [first, photo]
    assert text_in(turns[0]) == f"{IMAGE}\nHello"

    unseen = replace(QUICK, finder=NOWHERE).tell(models, chat, learned)
    assert "Mark" not in text_in(unseen.messages[0])
    assert unseen.images[1].tobytes() == photo.tobytes()


def test_a_chat_without_a_photo_has_no_marks(models: Models, learned: list[Learned]) -> None:
    chat = Rendered([{"role": "user", "content": [{"type": "text", "text": "Hello"}]}], [])
    told = replace(QUICK, finder=ANYWHERE).tell(models, chat, learned)
    text = text_in(told.messages[0])
    assert text == f"{SENTENCES.told(models.base.slots[:3])}Hello"


def spied(base: BaseModel, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bytes]]:
    """What the model is asked from now on: prompts, and the pixels they are about."""
    asked: list[tuple[str, bytes]] = []
    certainty = base.certainty

    def spy(
        chats: Sequence[tuple[Messages, Sequence[Image.Image]]], prefixes: Prefixes | None
    ) -> list[float]:
        asked.extend((text_in(m[0]), image.tobytes()) for m, (image,) in chats)
        return certainty(chats, prefixes)

    monkeypatch.setattr(base, "certainty", spy)
    return asked


def with_patches(one: Learned, bank: torch.Tensor) -> Learned:
    tensors = {**one.artefact.tensors, "patches": bank}
    return one._replace(artefact=replace(one.artefact, tensors=tensors))


def test_marks_come_from_the_photo_and_not_from_who_is_asked_for(
    models: Models, learned: list[Learned], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = spied(models.base, monkeypatch)
    photo = checkered("red", 2)
    seen = patches(models.base, [photo])[0]
    concepts = [learned[0], *(with_patches(one, -seen) for one in learned[1:])]
    findings = replace(QUICK, finder=Finder(tau=0.1)).recognize(models, photo, concepts)

    slots = models.base.slots[:3]
    mark = f"{slots[0].name} is located at 'Mark Number 1'. "
    told = f"{IMAGE}\n{SENTENCES.told(slots)}{mark}"
    assert [text for text, _ in asked] == [told + RECOGNITION.format(s.name) for s in slots]
    assert len({pixels for _, pixels in asked}) == 1
    assert asked[0][1] != photo.tobytes()
    assert [f.box is None for f in findings] == [False, True, True]
    assert all(f.present == (f.score > 0.5) and 0 <= f.score <= 1 for f in findings)


def test_who_is_not_found_is_not_marked(
    models: Models, learned: list[Learned], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = spied(models.base, monkeypatch)
    photo = plain("red", (64, 64))
    for method in (replace(QUICK, finder=NOWHERE), replace(QUICK, finder=None)):
        findings = method.recognize(models, photo, learned)
        assert all(finding.box is None for finding in findings)
    assert not any("Mark" in text for text, _ in asked)
    assert {pixels for _, pixels in asked} == {photo.tobytes()}


@pytest.mark.parametrize("size", [(64, 64), (64, 20), (20, 64)])
def test_photos_of_any_shape_are_searched(
    models: Models, learned: list[Learned], size: tuple[int, int]
) -> None:
    marks = replace(QUICK, finder=ANYWHERE).marks(models.base, plain("red", size), learned)
    assert [mark.number for mark in marks] == [1, 2, 3]
    for mark in marks:
        assert 0 <= mark.x <= size[0]
        assert 0 <= mark.y <= size[1]
