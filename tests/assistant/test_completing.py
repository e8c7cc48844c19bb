from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

import pytest
from PIL import Image

from kith.errors import KithError, Overloaded
from memory_db import Concept
from services.assistant.methods.completing import QUESTION, completed, expected
from services.assistant.prompts import Reference
from services.runtime.types import Answer, Ending, FinishReason, Limits, Turn

PHOTO = Image.new("RGB", (8, 8))
CHAT = [Turn("user", (PHOTO, "What is going on here?"))]
EVERYBODY = ("bo", "mo", "tom")


class Script:
    """Says these answers one after another, and keeps what it was asked."""

    def __init__(
        self, *says: str | KithError, reason: FinishReason = FinishReason.STOP, tokens: int = 5
    ) -> None:
        self.says, self.reason, self.tokens = list(says), reason, tokens
        self.asked: list[list[Turn]] = []
        self.room: list[int] = []

    async def __call__(self, turns: Sequence[Turn], *, limits: Limits) -> Answer:
        self.asked.append(list(turns))
        self.room.append(limits.max_tokens)
        return Answer(self._events(self.says.pop(0)))

    async def _events(self, says: str | KithError) -> AsyncGenerator[str | Ending, None]:
        if isinstance(says, KithError):
            raise says
        for word in says.split(" "):
            yield f"{word} "
        yield Ending(self.reason, 100, self.tokens, 10)


async def read(
    script: Script, names: Sequence[str] = EVERYBODY, limits: Limits = Limits()
) -> tuple[str, Ending]:
    *pieces, ending = [piece async for piece in completed(script, CHAT, names, limits)]
    assert isinstance(ending, Ending)
    return "".join(map(str, pieces)), ending


async def test_about_whom_an_answer_leaves_out_the_model_is_asked_on() -> None:
    script = Script("<bo> and <bo> at the lake.", "swimming", "I see <tom> asleep.")

    text, ending = await read(script)

    assert text == "<bo> and <bo> at the lake. \n<mo>: swimming\nI see <tom> asleep."
    assert ending == Ending(FinishReason.STOP, 300, 15, 30)
    assert script.asked[1] == [
        *CHAT,
        Turn("assistant", ("<bo> and <bo> at the lake. ",)),
        Turn("user", (QUESTION.format("mo"),)),
    ]


@pytest.mark.parametrize(
    ("says", "told"),
    [
        pytest.param("Here is <braiu>.", "Here is <bo>.", id="made up"),
        pytest.param("Here < bandu> is.", "Here <bo> is.", id="in two pieces"),
        pytest.param("<bo> and <rovu>.", "<bo> and <rovu>.", id="nobody is left out"),
        pytest.param("Here is <going>.", "Here is <going>.", id="spoken of in the chat"),
        pytest.param("3 < 5 and", "3 < 5 and", id="no name"),
    ],
)
async def test_a_name_that_nobody_has_is_of_whom_the_answer_leaves_out(
    says: str, told: str
) -> None:
    text, _ = await read(Script(says), ["bo"])
    assert text.strip() == told


async def test_a_misspelt_name_is_of_whose_it_is_most_like() -> None:
    text, _ = await read(Script("<to> and <bo>.", "asleep"))
    assert text == "<tom> and <bo>. \n<mo>: asleep"


@pytest.mark.parametrize(
    "says",
    [
        pytest.param("<bo>, <mo> and <tom> at the lake.", id="names everybody"),
        pytest.param("It is sunny.", id="names nobody"),
        pytest.param("<zoe> at the lake.", id="names a stranger"),
    ],
)
async def test_an_answer_that_leaves_nobody_out_stands_alone(says: str) -> None:
    script = Script(says)
    assert await read(script) == (f"{says} ", Ending(FinishReason.STOP, 100, 5, 10))


@pytest.mark.parametrize("question", ["A caption, please.", "Describe this!"])
async def test_where_a_caption_is_asked_for_everybody_is_named(question: str) -> None:
    script = Script("A dog at the lake.", "swimming")
    chat = [Turn("user", (PHOTO, question))]
    *pieces, _ = [piece async for piece in completed(script, chat, ["bo"], Limits())]
    assert "".join(map(str, pieces)) == "A dog at the lake. \n<bo>: swimming"


async def test_an_answer_that_was_cut_off_is_left_alone() -> None:
    assert len((await read(Script("<bo> at", reason=FinishReason.LENGTH)))[0]) == len("<bo> at ")


async def test_whoever_says_which_words_end_an_answer_gets_no_more() -> None:
    assert (await read(Script("<bo> at the lake"), limits=Limits(stop=(".",))))[0].count("<") == 1


async def test_all_lines_together_keep_to_the_limit() -> None:
    script = Script("<bo> swims.", "swims too", tokens=60)
    text, ending = await read(script, limits=Limits(max_tokens=120))
    assert script.room == [120, 60]
    assert "<mo>" in text
    assert "<tom>" not in text
    assert ending.completion_tokens == 120


async def test_what_was_said_stands_when_the_model_takes_no_further_question() -> None:
    script = Script("<bo> swims.", Overloaded("too many", reason="MODEL_QUEUE_FULL"))
    assert await read(script) == ("<bo> swims. ", Ending(FinishReason.STOP, 100, 5, 10))


async def test_an_error_of_the_answer_itself_is_told() -> None:
    with pytest.raises(Overloaded):
        await read(Script(Overloaded("too many", reason="MODEL_QUEUE_FULL")))


def test_whom_the_question_names_are_to_be_named_else_all_who_were_seen_or_given() -> None:
    shown = [reference("bo", 0), reference("mo", 0, 1), reference("tom", there=False)]
    assert expected(about_a_photo("A caption, please."), shown) == ["bo", "mo"]
    assert expected(about_a_photo("What does <mo> do?"), shown) == ["mo"]
    assert expected(about_a_photo("What does <tom> do?"), shown) == []
    assert expected(about_a_photo("A caption, please."), [reference("bo", there=True)]) == ["bo"]


def test_nobody_has_to_be_named_whom_nobody_looked_for() -> None:
    assert expected(about_a_photo("Where is <bo>?"), [reference("bo")]) == []


def test_without_a_photo_nobody_has_to_be_named() -> None:
    assert expected([Turn("user", ("Describe <bo>.",))], [reference("bo", there=True)]) == []


def about_a_photo(question: str) -> list[Turn]:
    return [Turn("user", (PHOTO, question))]


def reference(name: str, *seen_in: int, there: bool | None = None) -> Reference:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    concept = Concept(name, name, "dog", "", "etag", (), now, now)
    return Reference(concept, PHOTO, dict.fromkeys(seen_in), there=there)
