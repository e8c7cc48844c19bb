import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kith.errors import InvalidInput, NotFound, Refused
from kith.v1 import common_pb2, memory_pb2, query_pb2
from services.assistant.stages import Stages
from tests.assistant.calling import PARENT, Caller, answering, picture, turn
from tests.assistant.world import Parrot, Thing, apart, paint

LEFT, RIGHT = (0, 0, 20, 20), (60, 0, 80, 20)
DOG, MUG = Thing("dog", 10, LEFT), Thing("mug", 20, RIGHT)


@pytest.fixture
async def me(memory_folder: Path, stages: Stages) -> AsyncIterator[Caller]:
    async with answering(memory_folder, stages) as caller:
        yield caller


def box(corners: tuple[int, int, int, int]) -> common_pb2.Box:
    x1, y1, x2, y2 = corners
    return common_pb2.Box(x1=x1, y1=y1, x2=x2, y2=y2)


async def retrieved(caller: Caller, *things: Thing) -> query_pb2.Retrieval:
    request = query_pb2.RetrieveRequest(parent=PARENT, images=[picture(paint(*things))])
    response: query_pb2.RetrieveResponse = await caller("Retrieve", request)
    return response.retrievals[0]


async def test_retrieve_tells_regions_matches_and_what_is_kept(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    found = await retrieved(me, Thing("dog", 15, LEFT), Thing("dog", 80, RIGHT))

    assert (found.width, found.height) == (100, 80)
    matched = {region.box.x1: region.matches for region in found.regions}
    assert [region.category for region in found.regions] == ["dog", "dog"]
    (match,) = matched[0]
    assert (match.concept, match.display_name, match.view) == (bo.name, "bo", bo.views[0].name)
    assert match.distance == pytest.approx(apart(5), abs=1e-4)
    assert match.accepted
    assert not matched[60][0].accepted
    (kept,) = found.accepted
    assert (kept.concept, kept.box, kept.image_index) == (bo.name, box(LEFT), 0)
    assert kept.HasField("image_index")


async def test_several_photos_are_answered_in_their_order(me: Caller) -> None:
    await me.remember("bo", DOG)
    await me.remember("cup", MUG)
    photos = [picture(paint(thing)) for thing in (MUG, DOG, Thing("dog", 80))]
    request = query_pb2.RetrieveRequest(parent=PARENT, images=photos)
    response = await me("Retrieve", request)
    names = [[one.display_name for one in each.accepted] for each in response.retrievals]
    assert names == [["cup"], ["bo"], []]


async def test_a_rejection_holds_from_the_very_next_question_on(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    twin = Thing("dog", 20, RIGHT)
    assert [one.display_name for one in (await retrieved(me, twin)).accepted] == ["bo"]
    rejection = memory_pb2.RejectMatchRequest(
        name=bo.name, photo=picture(paint(twin)), box=box(RIGHT)
    )
    await me("RejectMatch", rejection)
    assert not (await retrieved(me, twin)).accepted
    assert [one.display_name for one in (await retrieved(me, DOG)).accepted] == ["bo"]


async def test_an_edit_holds_from_the_very_next_question_on(me: Caller, parrot: Parrot) -> None:
    bo = await me.remember("bo", DOG)
    new = memory_pb2.UpdateConceptRequest(concept={"name": bo.name, "display_name": "rex"})
    await me("UpdateConcept", new)
    _, end = await me.ask(paint(DOG), "Who?")
    assert [one.display_name for one in end.concepts] == ["rex"]
    assert "<rex>" in str(parrot.asked[-1])
    await me("Forget", memory_pb2.ForgetRequest(name=bo.name))
    _, end = await me.ask(paint(DOG), "Who is <rex>?")
    assert not end.concepts


async def test_recognize_answers_for_names_and_resource_names(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    cup = await me.remember("cup", MUG)
    request = query_pb2.RecognizeRequest(
        parent=PARENT, image=picture(paint(DOG)), concepts=[cup.name, "bo"]
    )
    absent, present = (await me("Recognize", request)).recognitions
    assert (absent.concept, absent.present, absent.HasField("box")) == (cup.name, False, False)
    assert (present.concept, present.present, present.box) == (bo.name, True, box(LEFT))
    assert present.view == bo.views[0].name
    assert present.score > 0.98


@pytest.mark.parametrize(
    "word", ["nobody", "users/me/concepts/nobody", "users/you/concepts/nobody", "users/odd"]
)
async def test_an_unknown_concept_is_not_found(me: Caller, word: str) -> None:
    photo = picture(paint(DOG))
    with pytest.raises(NotFound):
        await me(
            "Recognize", query_pb2.RecognizeRequest(parent=PARENT, image=photo, concepts=[word])
        )
    with pytest.raises(NotFound):
        await me.ask("Who?", given_concepts=query_pb2.GivenConcepts(concepts=[word]))


async def test_an_answer_streams_and_ends_with_the_concepts(me: Caller) -> None:
    await me.remember("bo", DOG)
    cup = await me.remember("cup", MUG)
    text, end = await me.ask(paint(), paint(DOG), "Is <cup> near <bo>?")
    assert text == "A thing on black."
    assert end.finish_reason == common_pb2.FINISH_REASON_STOP
    assert (end.usage.prompt_tokens, end.usage.completion_tokens) == (7, 4)
    seen, named = end.concepts
    assert (seen.display_name, seen.image_index, seen.box) == ("bo", 1, box(LEFT))
    assert (named.display_name, named.view) == ("cup", cup.views[0].name)
    assert (named.HasField("image_index"), named.HasField("box"), named.score) == (False, False, 0)


async def test_given_concepts_may_be_none(me: Caller) -> None:
    await me.remember("bo", DOG)
    _, end = await me.ask(paint(DOG), "Who?", given_concepts=query_pb2.GivenConcepts())
    assert not end.concepts


async def test_each_user_has_a_cache_key_that_names_nobody(me: Caller, parrot: Parrot) -> None:
    await me.ask("Hello?")
    await me.ask("And now?")
    request = query_pb2.GenerateRequest(parent="users/you", turns=[turn("Hello?")])
    await me.by("you").ask_request(request)
    mine, again, yours = parrot.cache_keys
    assert mine == again
    assert mine != yours
    assert all(len(key) == 32 for key in parrot.cache_keys)


async def test_limits_reach_the_model(me: Caller, parrot: Parrot) -> None:
    limits = common_pb2.Limits(max_tokens=9, temperature=0.5, stop=["."])
    await me.ask("Hello?", limits=limits)
    await me.ask("Hello?")
    assert [(each.max_tokens, each.temperature, each.stop) for each in parrot.limits] == [
        (9, 0.5, (".",)),
        (128, 0.0, ()),
    ]


async def test_a_broken_photo_is_refused_by_its_place(me: Caller) -> None:
    broken = common_pb2.Image(data=b"not a photo at all")
    with pytest.raises(InvalidInput) as refused:
        await me("Retrieve", query_pb2.RetrieveRequest(parent=PARENT, images=[broken]))
    assert refused.value.field == "images[0]"
    request = query_pb2.GenerateRequest(parent=PARENT, turns=[turn("Hello?")])
    request.turns[0].parts.add(image=broken)
    with pytest.raises(InvalidInput) as refused:
        await me.ask_request(request)
    assert refused.value.field == "turns[0].parts[1].image"


async def test_two_users_at_once_see_their_own(me: Caller, parrot: Parrot) -> None:
    you = me.by("you")
    await asyncio.gather(me.remember("bo", DOG), you.remember("cup", MUG))
    photo = paint(DOG, MUG)
    answers = await asyncio.gather(
        *(who.ask(photo, "Who? <bo> <cup>") for _ in range(6) for who in (me, you))
    )
    names = [[one.display_name for one in end.concepts] for _, end in answers]
    assert names == [["bo"], ["cup"]] * 6


@pytest.mark.parametrize(
    ("by", "photos", "retrieves", "text_only"),
    [("kith", 16, True, True), ("rap", 1, True, True), ("none", 1, False, False)],
)
async def test_capabilities_are_those_of_the_method(
    memory_folder: Path, stages: Stages, by: str, photos: int, retrieves: bool, text_only: bool
) -> None:
    async with answering(memory_folder, stages, by) as me:
        can = await me("GetCapabilities", query_pb2.GetCapabilitiesRequest())
        assert (can.method, can.positives_min, can.positives_max) == (by, 1, photos)
        assert (can.retrieval, can.text_only_qa) == (retrieves, text_only)
        assert (can.training, can.negatives, can.captions, can.masks) == (False, 0, False, False)
        assert can.real_time_edit
        assert can.version


async def test_the_plain_model_refuses_to_retrieve(memory_folder: Path, stages: Stages) -> None:
    async with answering(memory_folder, stages, "none") as me:
        await me.remember("bo", DOG)
        with pytest.raises(Refused) as refused:
            await retrieved(me, DOG)
        assert refused.value.reason == "METHOD_HAS_NO_RETRIEVAL"
        text, end = await me.ask(paint(DOG), "Is <bo> here?")
        assert (text, len(end.concepts)) == ("A thing on black.", 0)
