"""The layouts are what the language model was trained on: they are held to the character."""

from datetime import UTC, datetime

import pytest
from PIL import Image

from memory_db import Concept
from services.assistant import prompts
from services.assistant.prompts import Layout, Parts, Reference
from services.runtime.types import Turn

PHOTO, SECOND, BO, MUG = (Image.new("RGB", (size, 8)) for size in (8, 9, 10, 11))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def reference(name: str, description: str, photo: Image.Image) -> Reference:
    return Reference(Concept(name, name, "dog", description, "", NOW, NOW, ()), photo)


BOTH = [
    reference("bo", "<bo> is a red dog.", BO),
    reference("my mug", "a mug", MUG),
]


@pytest.mark.parametrize(
    ("layout", "photos", "references", "parts"),
    [
        (
            prompts.rap,
            [PHOTO],
            BOTH,
            (
                PHOTO,
                "\n[1.",
                BO,
                "\n Name: <bo>, Info: <bo> is a red dog.\n2.",
                MUG,
                "\n Name: <my mug>, Info: a mug\n]Who?",
            ),
        ),
        (prompts.rap, [PHOTO], [], (PHOTO, "\n[]Who?")),
        (
            prompts.kith,
            [PHOTO],
            BOTH,
            (
                "[1.",
                BO,
                "\n Name: <bo>, Info: <bo> is a red dog.\n2.",
                MUG,
                "\n Name: <my mug>, Info: a mug\n]",
                PHOTO,
                "\nWho?",
            ),
        ),
        (prompts.kith, [PHOTO], [], (PHOTO, "\nWho?")),
        (prompts.plain, [PHOTO], BOTH, (PHOTO, "\nWho?")),
        (prompts.plain, [], BOTH, ("Who?",)),
        (prompts.kith, [], [], ("Who?",)),
        (prompts.rap, [], [], ("Who?",)),
        *(
            (
                layout,
                [],
                BOTH[:1],
                ("1.", BO, "\n Name: <bo>, Info: <bo> is a red dog.\nWho?"),
            )
            for layout in (prompts.kith, prompts.rap)
        ),
        (prompts.kith, [PHOTO, SECOND], [], (PHOTO, SECOND, "\nWho?")),
    ],
)
def test_a_first_turn_is_laid_out_to_the_character(
    layout: Layout, photos: list[Image.Image], references: list[Reference], parts: Parts
) -> None:
    assert layout(photos, references, "Who?") == parts


def test_references_stand_once_and_later_turns_are_plain() -> None:
    chat = [
        Turn("assistant", ("Ask me.",)),
        Turn("user", ("Who?", PHOTO)),
        Turn("assistant", ("<bo>.",)),
        Turn("user", (SECOND, "And", "here?")),
    ]
    assert prompts.lay_out(chat, BOTH[:1], prompts.kith) == [
        Turn("assistant", ("Ask me.",)),
        Turn(
            "user",
            ("[1.", BO, "\n Name: <bo>, Info: <bo> is a red dog.\n]", PHOTO, "\nWho?"),
        ),
        Turn("assistant", ("<bo>.",)),
        Turn("user", (SECOND, "\nAnd\nhere?")),
    ]
