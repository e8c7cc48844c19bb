"""The memory's calls over gRPC: what goes in, what comes out, and every way to be refused."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from kith.errors import AlreadyExists, InvalidInput, KithError, NotFound, Refused, Stale
from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2
from memory_db import Concept, ConceptStore
from services.assistant.stages import Stages
from services.runtime import images
from tests.assistant.calling import PARENT, Caller, answering, new_view, picture, wish
from tests.assistant.world import Thing, apart, paint

DOG = Thing("dog", 10)


@pytest.fixture
async def me(memory_folder: Path, stages: Stages) -> AsyncIterator[Caller]:
    async with answering(memory_folder, stages) as caller:
        yield caller


def update(
    concept: resources_pb2.Concept,
    *paths: str,
    **texts: Any,  # noqa: ANN401 - fields of the message
) -> memory_pb2.UpdateConceptRequest:
    new = resources_pb2.Concept(name=concept.name, **texts)
    return memory_pb2.UpdateConceptRequest(concept=new, update_mask=FieldMask(paths=paths))


async def test_a_concept_comes_back_whole(me: Caller) -> None:
    bo = await me.remember("bo", DOG, Thing("dog", 12, (0, 0, 30, 30)))

    assert bo == await me("GetConcept", memory_pb2.GetConceptRequest(name=bo.name))
    assert bo.name.startswith("users/me/concepts/")
    assert (bo.display_name, bo.category) == ("bo", "dog")
    assert bo.description == "<bo> is a thing."
    assert bo.state == resources_pb2.Concept.STATE_READY
    assert [view.name.startswith(f"{bo.name}/views/") for view in bo.views] == [True, True]
    assert bo.views[1].box == common_pb2.Box(x1=0, y1=0, x2=30, y2=30)
    assert bo.create_time.seconds > 1_700_000_000
    assert not bo.HasField("purge_time")

    view = await me("GetView", memory_pb2.GetViewRequest(name=bo.views[1].name))
    assert images.decode(view.photo.data, field="photo").size == (30, 30)


async def test_validate_only_says_what_it_looks_like_and_keeps_nothing(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    operation = await me("Remember", wish("rex", Thing("dog", 15), validate_only=True))
    metadata = memory_pb2.RememberMetadata()
    assert operation.done
    assert operation.metadata.Unpack(metadata)
    (similar,) = metadata.similar_concepts
    assert (similar.concept, similar.display_name) == (bo.name, "bo")
    assert similar.distance == pytest.approx(apart(5), abs=1e-4)
    listed = await me("ListConcepts", memory_pb2.ListConceptsRequest(parent=PARENT))
    assert [concept.display_name for concept in listed.concepts] == ["bo"]


async def test_a_retry_changes_nothing(me: Caller) -> None:
    ids = [str(uuid.uuid4()) for _ in range(3)]
    first = await me.remember("bo", DOG, request_id=ids[0])
    assert (await me.remember("bo", DOG, request_id=ids[0])).name == first.name
    add = memory_pb2.AddViewsRequest(name=first.name, views=[new_view(DOG)], request_id=ids[1])
    reject = memory_pb2.RejectMatchRequest(
        name=first.name, photo=picture(paint(DOG)), request_id=ids[2]
    )
    for _ in range(2):
        await me("AddViews", add)
        await me("RejectMatch", reject)
    last = await me("GetConcept", memory_pb2.GetConceptRequest(name=first.name))
    assert [view.negative for view in last.views] == [False, False, True]


async def test_concepts_are_listed_oldest_first_a_page_at_a_time(me: Caller) -> None:
    for name, category in (("d", "dog"), ("b", "mug"), ("a", "dog"), ("c", "dog")):
        await me.remember(name, Thing(category, 0))

    async def names(**wanted: Any) -> tuple[str, str]:  # noqa: ANN401 - fields of the request
        request = memory_pb2.ListConceptsRequest(parent=PARENT, **wanted)
        page = await me("ListConcepts", request)
        return "".join(concept.display_name for concept in page.concepts), page.next_page_token

    assert await names() == ("dbac", "")
    first, token = await names(page_size=2, category="dog")
    assert first == "da"
    # What is made or gone between two pages neither repeats a concept nor hides one.
    await me.remember("b2", Thing("dog", 0))
    assert await names(page_size=2, category="dog", page_token=token) == ("cb2", "")
    assert await names(display_name="<b>") == ("b", "")
    assert await names(display_name="nobody") == ("", "")
    with pytest.raises(InvalidInput) as refused:
        await names(page_token="junk")
    assert (refused.value.reason, refused.value.field) == ("PAGE_TOKEN_INVALID", "page_token")


async def test_a_name_may_be_given_in_its_brackets(me: Caller) -> None:
    bo = await me.remember("<bo>", DOG)
    assert bo.display_name == "bo"
    new = await me("UpdateConcept", update(bo, display_name="<rex>"))
    assert new.display_name == "rex"


async def test_an_edit_takes_the_fields_of_its_mask(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    new = await me("UpdateConcept", update(bo, display_name="rex", description="Barks."))
    assert (new.display_name, new.category, new.description) == ("rex", "dog", "Barks.")
    new = await me("UpdateConcept", update(bo, "description", display_name="max"))
    assert (new.display_name, new.description) == ("rex", "")
    assert new.etag != bo.etag


async def test_an_old_etag_is_stale_for_every_edit_that_takes_one(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    await me("UpdateConcept", update(bo, description="Barks."))
    late = update(bo, description="Meows.")
    late.concept.etag = bo.etag
    for call, request in (
        ("UpdateConcept", late),
        ("AddViews", memory_pb2.AddViewsRequest(name=bo.name, views=[new_view(DOG)], etag=bo.etag)),
        (
            "RemoveViews",
            memory_pb2.RemoveViewsRequest(name=bo.name, views=[bo.views[0].name], etag=bo.etag),
        ),
        ("Forget", memory_pb2.ForgetRequest(name=bo.name, etag=bo.etag)),
    ):
        with pytest.raises(Stale) as stale:
            await me(call, request)
        assert (stale.value.reason, stale.value.field) == ("ETAG_STALE", "etag")


async def test_views_come_and_go_but_not_the_last(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    grown = await me("AddViews", memory_pb2.AddViewsRequest(name=bo.name, views=[new_view(DOG)]))
    names = [view.name for view in grown.views]
    left = await me("RemoveViews", memory_pb2.RemoveViewsRequest(name=bo.name, views=names[:1]))
    assert [view.name for view in left.views] == names[1:]
    with pytest.raises(Refused) as refused:
        await me("RemoveViews", memory_pb2.RemoveViewsRequest(name=bo.name, views=names[1:]))
    assert refused.value.reason == "LAST_VIEW"


async def test_what_is_forgotten_is_gone_until_it_is_brought_back(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    gone = await me("Forget", memory_pb2.ForgetRequest(name=bo.name))
    assert gone.state == resources_pb2.Concept.STATE_FORGOTTEN
    assert gone.purge_time.seconds - gone.delete_time.seconds == 600
    with pytest.raises(NotFound):
        await me("GetConcept", memory_pb2.GetConceptRequest(name=bo.name))
    with pytest.raises(NotFound):
        await me("GetView", memory_pb2.GetViewRequest(name=bo.views[0].name))
    listing = memory_pb2.ListConceptsRequest(parent=PARENT, show_deleted=True)
    assert [one.state for one in (await me("ListConcepts", listing)).concepts] == [gone.state]

    back = await me("Unforget", memory_pb2.UnforgetRequest(name=bo.name))
    assert back.state == resources_pb2.Concept.STATE_READY
    assert back.views == bo.views


async def test_what_forget_answers_is_its_own_doing_however_fast_it_is_undone(
    me: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = ConceptStore.forget

    def undone(store: ConceptStore, concept_id: str, etag: str = "") -> Concept:
        forgotten = really(store, concept_id, etag)
        store.undo_forget(concept_id)
        return forgotten

    monkeypatch.setattr(ConceptStore, "forget", undone)
    bo = await me.remember("bo", DOG)
    gone = await me("Forget", memory_pb2.ForgetRequest(name=bo.name))
    assert gone.state == resources_pb2.Concept.STATE_FORGOTTEN
    assert gone.HasField("purge_time")


async def test_a_rejection_without_a_box_is_of_the_region_that_was_matched(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    photo = picture(paint(Thing("dog", 20, (0, 0, 20, 20)), Thing("cat", 0)))
    question = query_pb2.RecognizeRequest(parent=PARENT, image=photo, concepts=["bo"])
    assert (await me("Recognize", question)).recognitions[0].present
    rejection = memory_pb2.RejectMatchRequest(name=bo.name, photo=photo)
    rejected = await me("RejectMatch", rejection)
    assert rejected.views[1].box == common_pb2.Box(x2=20, y2=20)
    assert not (await me("Recognize", question)).recognitions[0].present


@pytest.mark.parametrize("method", ["rap", "none"])
async def test_a_method_that_would_not_heed_a_rejection_refuses_it(
    memory_folder: Path, stages: Stages, method: str
) -> None:
    async with answering(memory_folder, stages, by=method) as me:
        bo = await me.remember("bo", DOG)
        for box in (None, common_pb2.Box(x2=5, y2=5)):
            rejection = memory_pb2.RejectMatchRequest(
                name=bo.name, photo=picture(paint(DOG)), box=box
            )
            with pytest.raises(Refused, match="runs kith") as refused:
                await me("RejectMatch", rejection)
            assert refused.value.reason == "METHOD_HAS_NO_REJECTION"


async def test_nothing_is_trained_here(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    with pytest.raises(Refused) as refused:
        await me(
            "TrainConcepts", memory_pb2.TrainConceptsRequest(parent=PARENT, concepts=[bo.name])
        )
    assert refused.value.reason == "METHOD_DOES_NOT_TRAIN"


async def test_users_are_apart(me: Caller) -> None:
    bo = await me.remember("bo", DOG)
    you = me.by("you")
    theirs = bo.name
    guessed = bo.name.replace("users/me/", "users/you/")
    for name in (theirs, guessed):
        view = name + bo.views[0].name.removeprefix(bo.name)
        for call, request in (
            ("GetConcept", memory_pb2.GetConceptRequest(name=name)),
            ("GetView", memory_pb2.GetViewRequest(name=view)),
            ("UpdateConcept", update(resources_pb2.Concept(name=name), category="cat")),
            ("AddViews", memory_pb2.AddViewsRequest(name=name, views=[new_view(DOG)])),
            ("RemoveViews", memory_pb2.RemoveViewsRequest(name=name, views=[view])),
            ("RejectMatch", memory_pb2.RejectMatchRequest(name=name, photo=picture(paint(DOG)))),
            ("Forget", memory_pb2.ForgetRequest(name=name)),
            ("Unforget", memory_pb2.UnforgetRequest(name=name)),
        ):
            with pytest.raises(NotFound):
                await you(call, request)
    with pytest.raises(NotFound):
        await you("ListConcepts", memory_pb2.ListConceptsRequest(parent="users/other"))
    assert not (await you("ListConcepts", memory_pb2.ListConceptsRequest(parent=PARENT))).concepts
    # Each may use the other's names, and `users/me` is whoever asks.
    assert (await you.remember("bo", DOG)).name.startswith("users/you/")
    assert await me("GetConcept", memory_pb2.GetConceptRequest(name=bo.name)) == bo


BROKEN = b"\xff\xd8\xff\xe0 not really a photo"


@pytest.mark.parametrize(
    ("call", "request_", "error", "reason", "field"),
    [
        ("Remember", wish("bo", DOG), AlreadyExists, "NAME_TAKEN", "display_name"),
        ("Remember", wish("image", DOG), InvalidInput, "TEXT_INVALID", "display_name"),
        ("Remember", wish("", DOG), InvalidInput, "FIELD_INVALID", "concept"),
        ("Remember", wish("a<b", DOG), InvalidInput, "FIELD_INVALID", "concept.display_name"),
        (
            "Remember",
            memory_pb2.RememberRequest(
                parent=PARENT,
                concept=resources_pb2.Concept(display_name="rex"),
                views=[resources_pb2.NewView(photo=common_pb2.Image(data=BROKEN))],
            ),
            InvalidInput,
            "IMAGE_DAMAGED",
            "views[0].photo",
        ),
        (
            "Remember",
            memory_pb2.RememberRequest(
                parent=PARENT,
                concept=resources_pb2.Concept(display_name="rex"),
                views=[
                    resources_pb2.NewView(
                        photo=picture(paint(DOG)), box=common_pb2.Box(x1=0, y1=0, x2=500, y2=5)
                    )
                ],
            ),
            InvalidInput,
            "BOX_OUTSIDE",
            "views[0].box",
        ),
        (
            "GetConcept",
            memory_pb2.GetConceptRequest(name="users/me/concepts/nobody"),
            NotFound,
            "CONCEPT_NOT_FOUND",
            None,
        ),
        (
            "GetConcept",
            memory_pb2.GetConceptRequest(name="concepts/1"),
            InvalidInput,
            "FIELD_INVALID",
            "name",
        ),
    ],
)
async def test_every_refusal_has_its_class_reason_and_field(
    me: Caller,
    call: str,
    request_: object,
    error: type[KithError],
    reason: str,
    field: str | None,
) -> None:
    await me.remember("bo", DOG)
    with pytest.raises(error) as refused:
        await me(call, request_)
    assert (refused.value.reason, refused.value.field) == (reason, field)
