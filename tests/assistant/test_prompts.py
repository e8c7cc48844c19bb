"""The layouts are what the language model was trained on: they are held to the character."""

from datetime import UTC, datetime

import pytest
from PIL import Image

from memory_db import Concept
from services.assistant import prompts
from services.assistant.prompts import Layout, Parts, Reference
from services.runtime.types import Box, Turn

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


def test_what_is_asked_about_pictures_begins_with_who_was_found_in_them() -> None:
    seen = BOTH[0]._replace(seen_in={0: (0, 0, PHOTO.width / 4, 5)})
    sought = BOTH[1]._replace(there=False)
    chat = [Turn("user", ("Who?", PHOTO)), Turn("assistant", ("Bo.",)), Turn("user", ("Sure?",))]
    assert prompts.with_findings(chat, [seen, sought]) == [
        Turn("user", (PHOTO, "Seen here: <bo> on the left. Not seen here: <my mug>.\nWho?")),
        *chat[1:],
    ]


@pytest.mark.parametrize(
    ("box", "where"),
    [
        (None, ""),
        ((0, 0, 79, 10), "on the left"),
        ((0, 0, 81, 10), "in the middle"),
        ((39, 0, 81, 10), "on the right"),
        ((9, 0, 100, 10), ""),
    ],
)
def test_a_place_is_told_by_the_middle_of_a_box_unless_it_fills_the_photo(
    box: Box | None, where: str
) -> None:
    assert prompts.place(box, 100) == where


def test_each_turn_tells_of_its_own_pictures() -> None:
    chat = [Turn("user", (PHOTO, SECOND, "Who?")), Turn("user", (MUG, "And here?"))]
    first, third = BOTH[0]._replace(seen_in={1: (0, 0, 1, 1)}), BOTH[1]._replace(seen_in={2: None})
    assert [prompts.text_of(turn) for turn in prompts.with_findings(chat, [first, third])] == [
        "Seen here: <bo>. Not seen here: <my mug>.\nWho?",
        "Seen here: <my mug>. Not seen here: <bo>.\nAnd here?",
    ]


def test_of_those_who_were_not_looked_for_nothing_is_said() -> None:
    chat = [Turn("user", (PHOTO, "Who?"))]
    assert prompts.with_findings(chat, BOTH) == chat
    assert prompts.with_findings([Turn("user", ("Who?",))], BOTH) == [Turn("user", ("Who?",))]
