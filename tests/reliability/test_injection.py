"""Hostile names and descriptions stay words, whatever the template, and leave the others alone."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from kith import Client
from kith.demo.story import Story, load
from kith.errors import InvalidInput
from memory_db import Concept
from memory_db.names import clean_description, clean_name
from services.assistant import prompts
from services.assistant.prompts import Reference
from services.generation.llava_model import LlavaModel
from services.generation.prompt import render
from services.runtime.profile import Profile
from services.runtime.types import Turn
from tests.reliability.hostile import SPECIAL, hostile
from tests.reliability.table import Effort, Table

TEXTS = tuple(hostile())
DESCRIPTIONS = tuple(dict.fromkeys(map(clean_description, TEXTS)))
"""As the memory keeps them."""
HARMLESS = "a red dog that likes the sea"
ROLE = re.compile(r"\b(user|assistant|human|system)\s*[:\uff1a]", re.IGNORECASE)
PHOTO = Image.new("RGB", (32, 32), "red")
LAYOUTS = {"rap": prompts.rap, "kith": prompts.kith, "plain": prompts.plain}
TEMPLATES = {"the model's own": "", "llava_v1": "llava_v1"}

pytestmark = pytest.mark.skipif(
    not (Profile.load("pocket").generator.directory / "model.safetensors").is_file(),
    reason="the pocket models are not here",
)


def chats(name: str, description: str) -> Iterator[tuple[str, list[Turn]]]:
    """Every way in which a concept's texts come before the language model."""
    now = datetime(2026, 1, 1, tzinfo=UTC)
    concept = Concept("1", name, "dog", description, "", now, now, ())
    other = Concept("2", "bo", "dog", HARMLESS, "", now, now, ())
    seen = Reference(concept, PHOTO, {0: (0, 0, 8, 8)})
    references = [seen, Reference(other, PHOTO, there=False)]
    for layout in LAYOUTS:
        for photos in ((), (PHOTO,)):
            turns = [Turn("user", (*photos, f"Is <{name}> here?"))]
            asked = [*turns, Turn("assistant", (f"<{name}>.",)), Turn("user", ("Sure?",))]
            told = prompts.with_findings(asked, references)
            where = f"{layout}, {'with' if photos else 'without'} a photo"
            yield where, prompts.lay_out(told, references, LAYOUTS[layout])


def loaded(template: str) -> LlavaModel:
    """The pocket model, to whose tokenizer other LLaVAs' special tokens are special too."""
    model = LlavaModel(replace(Profile.load("pocket").generator, chat_template=template))
    model.tokenizer.add_tokens(list(SPECIAL), special_tokens=True)
    return model


def is_armed(model: LlavaModel, text: str) -> bool:
    """Whether a text would be more than text if nobody minded."""
    tokens = model.tokenizer(text, add_special_tokens=False)["input_ids"]
    special = set(tokens) & set(model.tokenizer.added_tokens_decoder)
    return bool(special or ROLE.search(text))


def special_in(model: LlavaModel, turns: list[Turn]) -> tuple[list[int], int]:
    """The special tokens of a prompt in order, and how many words open a turn."""
    messages, _ = render(turns, model.special)
    written = model.prompt(messages)
    begun = written.startswith(model.tokenizer.bos_token)
    tokens = model.tokenizer(written, add_special_tokens=not begun)["input_ids"]
    special = set(model.tokenizer.added_tokens_decoder)
    return [token for token in tokens if token in special], len(ROLE.findall(written))


def changed(
    model: LlavaModel, name: str, description: str, right: dict[str, tuple[list[int], int]]
) -> Counter[str]:
    """Of the prompts that hold the texts of a concept, how many are not built as they should be."""
    counts: Counter[str] = Counter()
    for where, chat in chats(name, description):
        tokens, turns = special_in(model, chat)
        counts["prompts"] += 1
        counts["tokens"] += tokens != right[where][0]
        counts["turns"] += turns != right[where][1]
    return counts


def as_stored(clean: Callable[[str], str], text: str) -> str | None:
    """A text as the memory keeps it; None when it refuses it."""
    with suppress(InvalidInput):
        return clean(text)
    return None


def test_no_text_becomes_a_special_token_and_the_others_are_answered_as_before(
    tmp_path: Path, effort: Effort
) -> None:
    oracle = "the same prompt with a harmless text: the same special tokens, the same turns"
    counts: Counter[str] = Counter()
    with Table("Injection", oracle, effort) as table:
        for template, file in TEMPLATES.items():
            model = loaded(file)
            right = {where: special_in(model, chat) for where, chat in chats("rex", HARMLESS)}
            for name in (as_stored(clean_name, text) for text in TEXTS):
                counts["names refused"] += name is None
                if name is not None:
                    counts += changed(model, name, HARMLESS, right)
            for description in DESCRIPTIONS:
                counts += changed(model, "rex", description, right)
            table.tell(f"template tried: {template}", len(right), "layouts")
        armed = sum(is_armed(model, text) for text in DESCRIPTIONS)
        table.tell("hostile texts", len(TEXTS))
        table.traffic("of them, as kept, more than text if nobody minded", armed, at_least=200)
        table.traffic("prompts", counts["prompts"], at_least=len(DESCRIPTIONS) * len(TEMPLATES) * 6)
        table.tell("names that the memory refuses", counts["names refused"] // len(TEMPLATES))
        table.exactly("prompts with other special tokens", counts["tokens"], 0)
        table.exactly("prompts with other turns", counts["turns"], 0)
        if effort == "long":
            with Client(memory=tmp_path, method="kith") as kith:
                for what, share in unchanged(kith, load()).items():
                    table.tell(what, 100 * share, "%")


def unchanged(kith: Client, story: Story) -> dict[str, float]:
    """How many answers about one concept stay, to the letter, when the texts of another change.

    Beside those of the hostile texts, those of harmless ones of the same length: a language model
    may well say something else when anything in its prompt is another word.
    """
    for one in story.concepts:
        kith.remember(one.name, one.picture, category=one.category, description=one.description)
    # Both are seen in the photo, so that the texts of both stand in a prompt that names nobody.
    scene, (asked, victim, *_) = next(
        (scene, names)
        for scene in story.scenes
        for names in [[used.concept for used in kith.retrieve(scene.picture).accepted]]
        if len(names) > 1
    )
    questions = [f"Is <{asked}> in this picture?", f"What is <{asked}> like?", "Who is here?"]
    sets = {
        "answers unchanged by hostile descriptions": TEXTS[::6],
        "answers unchanged by harmless descriptions": [
            (f"{HARMLESS} " * 20)[: len(text)].strip() or HARMLESS for text in TEXTS[::6]
        ],
    }
    before = [kith.ask(question, scene.picture).text for question in questions]
    shares = {}
    for what, texts in sets.items():
        same = 0
        for text in texts:
            kith.edit(victim, description=text)
            after = [kith.ask(question, scene.picture).text for question in questions]
            same += sum(new == old for new, old in zip(after, before, strict=True))
        shares[what] = same / (len(texts) * len(questions))
    return shares
