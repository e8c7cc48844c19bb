import asyncio
from contextlib import aclosing

import pytest
from PIL import Image

from kith.errors import InvalidInput, NotFound, Refused, Unavailable
from memory_db import ConceptStore
from services.assistant.generate import End, Question, generate
from services.assistant.methods import method
from services.assistant.methods.shown import MAX_PICTURES
from services.assistant.recall import OpenStore
from services.assistant.stages import Stages
from services.runtime.types import Ending, FinishReason, Limits, Turn
from tests.assistant.world import Bench, Parrot, Thing, paint

LEFT, RIGHT = (0, 0, 20, 20), (60, 0, 80, 20)


async def answered(
    stages: Stages,
    store: ConceptStore,
    *parts: str | Image.Image,
    by: str = "kith",
    given: list[str] | None = None,
    then: str | None = None,
) -> tuple[str, End]:
    further = [Turn("assistant", ("Well.",)), Turn("user", (then,))] if then else []
    question = Question([Turn("user", parts), *further], Limits(), given)
    *text, end = [piece async for piece in generate(method(by), stages, opening(store), question)]
    assert isinstance(end, End)
    return "".join(map(str, text)), end


def opening(store: ConceptStore) -> OpenStore:
    async def open_store() -> ConceptStore:
        return store

    return open_store


async def test_an_answer_comes_in_pieces_and_ends_with_what_it_rests_on(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    await bench.remember("cup", Thing("mug", 0))
    photo = paint(Thing("dog", 5, RIGHT))

    text, end = await answered(stages, store, photo, "Is my dog here?")

    assert text == "A thing on black."
    assert end.ending == Ending(FinishReason.STOP, 7, 4)
    assert [one.concept.name for one in end.concepts] == ["bo"]
    assert end.concepts[0].box == RIGHT
    assert end.concepts[0].view_id == bo.views[0].id


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("Is <bo> near <cup>?", "\nSeen here: <cup> on the left. Not seen here: <bo>.\n"),
        # Where none of them is there, of nobody else.
        ("Is <bo> here?", "\nNot seen here: <bo>.\n"),
    ],
)
async def test_kith_says_of_whom_a_question_names_that_the_photo_does_not_show_them(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot, question: str, told: str
) -> None:
    await bench.remember("bo", Thing("dog", 0), description="<bo> barks.")
    await bench.remember("cup", Thing("mug", 0), description="a cup")

    await answered(stages, store, paint(Thing("mug", 5, LEFT)), question)

    ((turn,),) = parrot.asked
    assert turn.parts[-1] == told + question


async def test_a_further_question_that_names_nobody_is_told_of_all_who_are_there(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("bo", Thing("dog", 0), description="<bo> barks.")
    await bench.remember("cup", Thing("mug", 0), description="a cup")
    chat = [
        Turn("user", (paint(Thing("mug", 5, LEFT)), "Is <bo> here?")),
        Turn("assistant", ("No.",)),
        Turn("user", ("What is?",)),
    ]
    question = Question(chat, Limits())
    async for _ in generate(method("kith"), stages, opening(store), question):
        pass
    first = parrot.asked[0][0]
    told = "\nSeen here: <cup> on the left. Not seen here: <bo>.\n"
    assert first.parts[-1] == f"{told}Is <bo> here?"
    assert first.parts[2] == "\n Name: <bo>, Info: <bo> barks.\n2."  # both are shown


async def test_kith_shows_the_references_and_then_the_photo(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("bo", Thing("dog", 0), description="<bo> barks.")
    await bench.remember("cup", Thing("mug", 0), description="a cup")
    photo = paint(Thing("mug", 5, LEFT), Thing("dog", 5, RIGHT))

    await answered(stages, store, photo, "Who?")

    ((turn,),) = parrot.asked
    assert [part for part in turn.parts if isinstance(part, str)] == [
        "[1.",
        "\n Name: <bo>, Info: <bo> barks.\n2.",
        "\n Name: <cup>, Info: a cup\n]",
        "\nSeen here: <bo> on the right, <cup> on the left.\nWho?",
    ]
    assert [part.size for part in turn.parts if not isinstance(part, str)] == [
        (40, 40),
        (40, 40),
        (100, 80),
    ]


async def test_of_a_question_that_names_somebody_kith_shows_no_other_but_says_who_is_there(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("bo", Thing("dog", 0), description="<bo> barks.")
    await bench.remember("cup", Thing("mug", 0), description="a cup")
    photo = paint(Thing("mug", 5, LEFT), Thing("dog", 5, RIGHT))

    _, end = await answered(stages, store, photo, "Where is <cup>?")

    ((turn,),) = parrot.asked
    assert [part for part in turn.parts if isinstance(part, str)] == [
        "[1.",
        "\n Name: <cup>, Info: a cup\n]",
        "\nSeen here: <bo> on the right, <cup> on the left.\nWhere is <cup>?",
    ]
    assert {one.concept.name for one in end.concepts} == {"bo", "cup"}


async def test_rap_shows_the_photo_and_then_the_references(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("bo", Thing("dog", 0), description="<bo> barks.")
    await answered(stages, store, paint(Thing("dog", 60)), "Who?", by="rap")
    ((turn,),) = parrot.asked
    assert isinstance(turn.parts[0], Image.Image)
    assert [part for part in turn.parts if isinstance(part, str)] == [
        "\n[1.",
        "\n Name: <bo>, Info: <bo> barks.\n]Who?",
    ]


async def test_none_draws_on_nothing(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("bo", Thing("dog", 0))
    photo = paint(Thing("dog", 0))
    _, end = await answered(stages, store, photo, "Is <bo> here?", by="none")
    assert parrot.asked == [[Turn("user", (photo, "\nIs <bo> here?"))]]
    assert end.concepts == []


async def test_given_concepts_are_the_only_ones(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    await bench.remember("cup", Thing("mug", 0))
    photo = paint(Thing("mug", 0))
    for by in ("kith", "rap"):
        _, end = await answered(stages, store, photo, "<cup>?", by=by, given=[bo.id])
        assert [one.concept.name for one in end.concepts] == ["bo"]
        _, end = await answered(stages, store, photo, "<cup>?", by=by, given=[])
        assert end.concepts == []
    with pytest.raises(NotFound):
        await answered(stages, store, photo, "Who?", given=["nobody"])
    with pytest.raises(Refused):
        await answered(stages, store, photo, "Who?", by="none", given=["bo"])


async def test_the_most_certain_comes_first_whatever_the_prompt_says(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    await bench.remember("old", Thing("dog", 0))
    await bench.remember("new", Thing("mug", 0))
    photo = paint(Thing("dog", 20, LEFT), Thing("mug", 1, RIGHT))
    _, end = await answered(stages, store, photo, "Who?")
    assert [one.concept.name for one in end.concepts] == ["new", "old"]


async def test_pictures_never_exceed_what_a_model_takes_and_named_concepts_stay(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    things = []
    for number in range(MAX_PICTURES + 2):
        box = (
            12 * (number % 8),
            12 * (number // 8),
            12 * (number % 8) + 10,
            12 * (number // 8) + 9,
        )
        kind = ("dog", "cat", "mug")[number % 3]
        thing = Thing(kind, 10 * (number // 3), box, 0.3 + number / 100)
        things.append(thing)
        await bench.remember(f"c{number}", thing)
    await bench.remember("named", Thing("teapot", 0))

    photo, then = paint(*things), "Is <named> near <c0>?"
    _, end = await answered(stages, store, photo, "Who is here?", then=then)

    pictures = [part for part in parrot.asked[-1][0].parts if not isinstance(part, str)]
    assert len(pictures) == MAX_PICTURES
    assert len(end.concepts) == MAX_PICTURES - 1
    assert {"named", "c0"} <= {one.concept.name for one in end.concepts}


async def test_references_that_do_not_fit_the_context_are_left_out_the_least_certain_first(
    bench: Bench, stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    await bench.remember("unsure", Thing("dog", 0))
    await bench.remember("sure", Thing("mug", 0))
    await bench.remember("named", Thing("cat", 0))
    photo = paint(Thing("dog", 20, LEFT), Thing("mug", 1, RIGHT))
    by_need = ["named", "sure", "unsure"]
    for room, told in ((4, 3), (3, 2), (2, 1), (1, 0)):
        parrot.most_pictures = room
        text, end = await answered(stages, store, photo, "Who?", then="Is <named> near <sure>?")
        assert text == "A thing on black."
        assert {one.concept.name for one in end.concepts} == set(by_need[:told])
    parrot.most_pictures = 0
    with pytest.raises(InvalidInput, match="too long"):
        await answered(stages, store, photo, "Who?")


async def test_a_concept_forgotten_while_the_question_runs_is_left_out(
    bench: Bench,
    stages: Stages,
    store: ConceptStore,
    parrot: Parrot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bo = await bench.remember("bo", Thing("dog", 0))
    await bench.remember("cup", Thing("mug", 0))
    detect = stages.detector.detect

    async def detect_and_forget(*args: object) -> object:
        store.forget(bo.id)
        return await detect(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(stages.detector, "detect", detect_and_forget)
    photo = paint(Thing("dog", 0, LEFT), Thing("mug", 0, RIGHT))
    for by, question in (("kith", "Are <bo> and <cup> here?"), ("rap", "Who?")):
        _, end = await answered(stages, store, photo, question, by=by)
        assert [one.concept.name for one in end.concepts] == ["cup"]
        store.undo_forget(bo.id)


async def test_edits_and_questions_at_once_never_crash(
    bench: Bench, stages: Stages, store: ConceptStore
) -> None:
    concepts = [await bench.remember(f"d{looks}", Thing("dog", looks)) for looks in (0, 9, 20)]
    photo = paint(Thing("dog", 3, LEFT), Thing("dog", 17, RIGHT))
    (view,) = await bench.new_views(Thing("dog", 18))

    def edit() -> None:
        for turn in range(25):
            one = concepts[turn % 3]
            store.update(one.id, name=f"e{turn}")
            grown = store.add_views(one.id, [view])
            store.reject(one.id, view)
            store.remove_views(one.id, [grown.views[-1].id])
            store.forget(one.id)
            store.undo_forget(one.id)

    editing = asyncio.create_task(asyncio.to_thread(edit))
    while not editing.done():
        for by in ("kith", "rap"):
            text, _ = await answered(stages, store, photo, "Is <d0> here?", by=by)
            assert text
    await editing


async def test_an_error_of_the_model_is_the_error_of_the_answer(
    stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    parrot.error = Unavailable("generation: down", reason="SERVICE_UNREACHABLE")
    with pytest.raises(Unavailable):
        await answered(stages, store, "Hello?")


async def test_a_reader_that_leaves_stops_the_model(
    stages: Stages, store: ConceptStore, parrot: Parrot
) -> None:
    question = Question([Turn("user", ("Hello?",))], Limits())
    async with aclosing(generate(method("kith"), stages, opening(store), question)) as answer:
        assert await anext(answer) == "A"
    assert parrot.closed
