"""The contract, answered by a method that trains: what works, what is refused, and why."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from kith.errors import InvalidInput, NotFound, Refused, Unavailable
from kith.v1 import common_pb2, memory_pb2, query_pb2, resources_pb2, transfer_pb2
from services.baselines.artefacts import Artefact
from services.runtime.profile import GeneratorSpec
from tests.assistant.calling import PARENT, picture
from tests.assistant.world import PaintEmbedder, Thing, paint
from tests.baselines.service import (
    BO,
    LINA,
    OTHERS,
    Caller,
    image_of,
    serving,
    until,
    wish,
)
from tests.baselines.steps import Steps

State = resources_pb2.Concept.State
PHOTO = paint(BO[0])


async def edited(caller: Caller, concept: resources_pb2.Concept, **words: str) -> int:
    wanted = resources_pb2.Concept(name=concept.name, **words)
    return (await caller("UpdateConcept", memory_pb2.UpdateConceptRequest(concept=wanted))).state  # type: ignore[no-any-return]


async def test_capabilities_are_the_methods_own(caller: Caller) -> None:
    can = await caller("GetCapabilities", query_pb2.GetCapabilitiesRequest())
    assert (can.method, can.training, can.retrieval, can.real_time_edit) == (
        *("yollava-s", True, False),
        False,
    )


async def test_retrieval_and_rejection_are_refused_with_the_reason(caller: Caller) -> None:
    bo = await caller.learn("bo", BO)
    for call, request, reason in (
        (
            "Retrieve",
            query_pb2.RetrieveRequest(parent=PARENT, images=[picture(PHOTO)]),
            "METHOD_HAS_NO_RETRIEVAL",
        ),
        (
            "RejectMatch",
            memory_pb2.RejectMatchRequest(name=bo.name, photo=picture(PHOTO)),
            "METHOD_HAS_NO_REJECTION",
        ),
    ):
        with pytest.raises(Refused) as refused:
            await caller(call, request)
        assert refused.value.reason == reason


async def test_a_photo_is_the_view_unless_a_box_is_given(caller: Caller) -> None:
    request = wish("bo", BO)
    request.views[0].box.CopyFrom(common_pb2.Box(x1=20, y1=20, x2=60, y2=60))
    operation = await caller("Remember", request)
    made = await caller.named("bo")
    assert [view.HasField("box") for view in made.views] == [True, False, False, False, False]
    assert caller.served.stages.detector.asked == []  # type: ignore[attr-defined]
    await caller.over(operation)


async def test_a_category_that_is_not_given_is_the_detectors_word(caller: Caller) -> None:
    request = wish("bo", [Thing("cat", 10)] * 5)
    request.concept.category = ""
    assert (await caller.named_after(request)).category == "cat"


async def test_the_number_of_photos_is_checked(caller: Caller, steps: Steps) -> None:
    steps.positives_min = 6
    with pytest.raises(InvalidInput, match="5 photos, yollava-s learns from 6 to 16; add some"):
        await caller.remember("bo", BO)
    steps.positives_min = 1
    bo = await caller.learn("bo", BO)
    steps.positives_min = 6
    with pytest.raises(Refused, match="has 5 views") as refused:
        await caller.train(bo.name)
    assert refused.value.reason == "POSITIVES_COUNT"


async def test_without_negatives_both_ways_to_give_them_are_told(
    memory_folder: Path, tiny_spec: GeneratorSpec, tmp_path: Path, caller: Caller
) -> None:
    for more in ({}, {"validate_only": True}):
        with pytest.raises(Refused, match=r"send some, or .* KITH_NEGATIVES") as refused:
            await caller.remember("bo", BO, negatives=[], **more)
        assert refused.value.reason == "NEGATIVES_MISSING"
        assert refused.value.field == "negatives"


async def test_negatives_come_from_the_pool_when_none_are_given(
    memory_folder: Path, tiny_spec: GeneratorSpec, tmp_path: Path
) -> None:
    pool, steps = tmp_path / "pool", Steps()
    pool.mkdir()
    for number, thing in enumerate([*(Thing("dog", 60 + n) for n in range(3)), *OTHERS]):
        paint(thing).save(pool / f"{number}.png")
    async with serving(memory_folder, tiny_spec, steps, pool=pool) as caller:
        bo = await caller.learn("bo", BO, negatives=[])
        (material,) = steps.trained
        assert [len(material.hard), len(material.soft)] == [2, 2]
        assert material.hard[0].tobytes() == paint(Thing("dog", 60)).tobytes()
        await caller.learn("lina", LINA)
        assert [len(steps.trained[-1].hard), len(steps.trained[-1].soft)] == [len(OTHERS), 0]
        await caller.over(await caller.train(bo.name))
        assert steps.trained[-1].fingerprint == material.fingerprint


async def test_a_photo_that_is_none_is_named(caller: Caller) -> None:
    for field in ("views[2].photo", "negatives[1]"):
        request = wish("bo", BO)
        broken = request.views[2].photo if field.startswith("views") else request.negatives[1]
        broken.data = b"\x89PNG\r\n\x1a\n broken"
        with pytest.raises(InvalidInput) as refused:
            await caller("Remember", request)
        assert refused.value.field == field
    listed = await caller("ListConcepts", memory_pb2.ListConceptsRequest(parent=PARENT))
    assert not listed.concepts


async def test_only_to_check_remembers_and_trains_nothing(caller: Caller, steps: Steps) -> None:
    bo = await caller.learn("bo", BO)
    operation = await caller.remember("rex", BO, validate_only=True)
    told = memory_pb2.RememberMetadata()
    assert operation.done
    assert operation.metadata.Unpack(told)
    assert [one.concept for one in told.similar_concepts] == [bo.name]
    assert len(steps.trained) == 1


async def test_captions_and_masks_come_to_the_training_and_stay_for_the_next(
    memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    steps = Steps(captions=True, masks=True)
    white = Image.new("RGB", PHOTO.size, "white")
    async with serving(memory_folder, tiny_spec, steps) as caller:
        request = wish("bo", BO[:3])
        request.views[0].caption = "<bo> on black"
        request.views[1].mask.CopyFrom(picture(white))
        request.views[2].mask.CopyFrom(picture(white))
        request.views[2].box.CopyFrom(common_pb2.Box(x1=20, y1=20, x2=60, y2=60))
        await caller.over(await caller("Remember", request))
        bo = await caller.named("bo")
        more = memory_pb2.AddViewsRequest(
            name=bo.name,
            views=[resources_pb2.NewView(photo=image_of(BO[3]), caption="<bo> again")],
        )
        outdated = await caller("AddViews", more)
        assert outdated.state == State.STATE_OUTDATED
        assert len(steps.trained) == 1  # asked for, never silent
        assert len((await caller.named("bo")).views) == 4
    later = Steps(captions=True, masks=True)
    async with serving(memory_folder, tiny_spec, later) as caller:
        await caller.over(await caller.train(bo.name))
        assert (await caller.named("bo")).state == State.STATE_READY
    (subject,) = later.trained[0].subjects
    assert [one.caption for one in subject.examples] == ["<bo> on black", "", "", "<bo> again"]
    boxed, given, cut, _ = [one.mask for one in subject.examples]
    assert boxed
    assert boxed.getbbox() == (20, 20, 61, 61)  # what the detector sees
    assert given
    assert given.getbbox() == (0, 0, *PHOTO.size)
    assert cut
    assert cut.size == (40, 40)
    assert len(later.trained[0].hard) == len(OTHERS)


@pytest.mark.parametrize(("mask", "reason"), [((9, 9), "MASK_SIZE"), (PHOTO.size, "MASK_EMPTY")])
async def test_a_mask_that_does_not_fit_is_refused(
    caller: Caller, mask: tuple[int, int], reason: str
) -> None:
    request = wish("bo", BO)
    request.views[1].mask.CopyFrom(picture(Image.new("RGB", mask)))
    with pytest.raises(InvalidInput) as refused:
        await caller("Remember", request)
    assert (refused.value.reason, refused.value.field) == (reason, "views[1].mask")


async def test_what_is_not_trained_is_not_told_of_and_that_is_said(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    operation = await caller.remember("bo", BO)
    text, end = await caller.ask("Is <bo> here?", PHOTO)
    assert text.startswith("Not all names here are trained yet")
    assert end.degradation.loss == query_pb2.Degradation.LOSS_TRAINING
    assert end.degradation.reason == "CONCEPT_NOT_TRAINED"
    assert not end.concepts
    given = query_pb2.GivenConcepts(concepts=["bo"])
    for asking in (
        caller.recognize(PHOTO, "bo"),
        caller.ask("Who?", PHOTO, given_concepts=given),
    ):
        with pytest.raises(Refused) as refused:
            await asking
        assert refused.value.reason == "CONCEPT_NOT_TRAINED"
    steps.may_go.set()
    await caller.over(operation)
    _, end = await caller.ask("Is <bo> here?", PHOTO)
    assert [one.display_name for one in end.concepts] == ["bo"]
    assert not end.HasField("degradation")


async def test_recognize_answers_for_each_by_its_name(caller: Caller) -> None:
    await caller.learn("bo", BO)
    await caller.learn("lina", LINA)
    await caller.learn("rex", BO)
    found = await caller.recognize(PHOTO, "lina", "rex", "bo")
    assert [one.display_name for one in found] == ["lina", "rex", "bo"]
    assert {(one.present, one.score, one.box.x2, one.view) for one in found} == {
        (True, 0.75, 3.0, "")
    }


async def test_a_chat_is_told_of_whom_it_names_else_of_whom_its_photos_show(
    caller: Caller, steps: Steps
) -> None:
    async def told(*parts: str | Image.Image) -> list[str]:
        _, end = await caller.ask(*parts)
        return sorted(one.display_name for one in end.concepts)

    for name, things in (("bo", BO), ("lina", LINA)):
        await caller.learn(name, things)
    assert await told("Is <bo> here?", PHOTO) == ["bo"]
    assert await told("Is bo here?", PHOTO) == ["bo"]
    assert await told("Is lina with <bo>?", PHOTO) == ["bo"]
    assert await told("Who is here?", PHOTO) == ["bo", "lina"]
    steps.scores = {"lina": 0.4}
    assert await told("Who is here?", PHOTO) == ["bo"]
    assert await told("Is <lina> here?", PHOTO) == ["lina"]
    steps.scores = {"lina": 0.4, "bo": 0.1}
    steps.told.clear()
    assert await told("What color is the sky?", PHOTO) == []
    assert steps.told == []  # the plain model has answered
    steps.scores = {}
    assert await told("Who are you?") == []
    assert await told("What color is <bo>?") == ["bo"]
    await caller.learn("rex", BO)
    steps.scores = {"lina": 0.6, "bo": 0.7}
    assert await told("Who is here?", PHOTO) == ["bo", "rex"]  # the likeliest of three
    with pytest.raises(Refused, match="can be told of 2 at once") as refused:
        await told("Are <bo>, <lina> and <rex> here?", PHOTO)
    assert refused.value.reason == "TOO_MANY_CONCEPTS"


async def test_whom_a_photo_shows_is_told_with_picture_place_and_score(
    caller: Caller, steps: Steps
) -> None:
    await caller.learn("bo", BO)
    steps.scores = {"bo": 0.9}
    _, end = await caller.ask("Who is here?", paint(LINA[0]), PHOTO)
    (used,) = end.concepts
    assert (used.image_index, used.view, used.box.x2) == (0, "", 3)
    assert used.score == pytest.approx(0.9)
    _, end = await caller.ask("Is <bo> here?", PHOTO)
    (used,) = end.concepts
    assert (used.HasField("image_index"), used.score) == (False, 0)


async def test_of_too_many_none_is_looked_for(
    caller: Caller, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.baselines.personal.MAX_CONCEPTS", 1)
    for name, things in (("bo", BO), ("lina", LINA)):
        await caller.learn(name, things)
    _, end = await caller.ask("Who is here?", PHOTO)
    assert not end.concepts


async def test_an_artefact_that_no_model_can_read_says_to_train_again(
    caller: Caller, memory_folder: Path
) -> None:
    bo = await caller.learn("bo", BO)
    (file,) = (memory_folder / "artefacts").rglob(f"{bo.name.split('/')[3]}.safetensors")
    artefact = Artefact.open(file)
    Artefact(artefact.header, {**artefact.tensors, "read": torch.zeros(3, 5)}).save(file)
    for call in (
        lambda: caller.recognize(PHOTO, "bo"),
        lambda: caller.ask("Is <bo> here?", PHOTO),
        lambda: caller.ask("Who is here?", PHOTO),
    ):
        with pytest.raises(Refused, match="train the concept again") as refused:
            await call()
        assert refused.value.reason == "ARTEFACT_DAMAGED"


async def test_who_is_not_trained_is_told_how_to_be(caller: Caller, steps: Steps) -> None:
    steps.fails_with = Refused("no", reason="NO")
    await caller.over(await caller.remember("bo", BO))
    with pytest.raises(Refused, match="train it: kith train bo, or TrainConcepts"):
        await caller.recognize(PHOTO, "bo")
    _, end = await caller.ask("Is <bo> here?", PHOTO)
    assert "train it: kith train bo, or TrainConcepts" in end.degradation.message


async def test_a_method_that_knows_by_sight_alone_refuses_a_question_without_a_photo(
    caller: Caller, steps: Steps
) -> None:
    await caller.learn("bo", BO)
    steps.text_only_qa = False
    given = query_pb2.GivenConcepts(concepts=["bo"])
    for more in ({}, {"given_concepts": given}):
        with pytest.raises(Refused, match="by sight only") as refused:
            await caller.ask("What color is <bo>?", **more)
        assert refused.value.reason == "METHOD_HAS_NO_TEXT_ONLY_QA"
    await caller.ask("What color is <bo>?", given_concepts=query_pb2.GivenConcepts())
    await caller.ask("What color is the sky?")


async def test_concepts_stand_in_the_chat_as_their_slots(caller: Caller, steps: Steps) -> None:
    await caller.learn("USER", BO)
    await caller.ask("Is <USER> here? <|concept1|> USER: </s>", PHOTO)
    (chat,) = steps.told
    text = chat.messages[0]["content"][0]["text"]  # type: ignore[index]
    assert "Is <|concept0|> here?" in text
    assert "<|concept1|>" not in text
    assert "USER:" not in text
    assert "</s>" not in text


@pytest.mark.parametrize("name", ["image", "<Image>", "s", "/s", "pad"])
async def test_a_name_that_would_be_a_special_token_is_refused_at_the_door(
    caller: Caller, name: str
) -> None:
    with pytest.raises(InvalidInput, match="is a reserved word; choose another name"):
        await caller.remember(name, BO)
    bo = await caller.learn("bo", BO)
    with pytest.raises(InvalidInput, match="is a reserved word"):
        await edited(caller, bo, display_name=name)


async def test_a_name_that_would_open_a_turn_is_told_as_it_was_typed(
    caller: Caller, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    await caller.learn("user: bo", BO)
    base = (await caller.served.method._learner()).models.base  # type: ignore[attr-defined]
    said = base.tokenizer(f"{base.slots[0].name}")["input_ids"]
    monkeypatch.setattr(base, "_tokens", lambda *_: iter(said))
    text, end = await caller.ask("Is <user: bo> here?", PHOTO)
    assert text == "<user: bo>"
    assert [one.display_name for one in end.concepts] == ["user: bo"]
    (chat,) = steps.told
    assert base.slots[0].name in str(chat.messages)
    assert "user:" not in str(chat.messages)


async def test_a_chat_that_fills_the_context_is_told_so(caller: Caller) -> None:
    await caller.learn("bo", BO)
    with pytest.raises(InvalidInput) as refused:
        await caller.ask("<bo> " * 400)
    assert refused.value.reason == "PROMPT_TOO_LONG"


async def test_a_new_name_holds_at_once_where_the_name_is_a_token(
    caller: Caller, steps: Steps
) -> None:
    bo = await caller.learn("bo", BO)
    assert await edited(caller, bo, display_name="rex") == State.STATE_READY
    _, end = await caller.ask("Is <rex> here?", PHOTO)
    assert [one.display_name for one in end.concepts] == ["rex"]


async def test_a_new_name_has_to_be_trained_where_it_was_learned(
    memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    async with serving(memory_folder, tiny_spec, Steps(captions=True)) as caller:
        bo = await caller.learn("bo", BO)
        assert await edited(caller, bo, display_name="rex") == State.STATE_OUTDATED
        assert await edited(caller, bo, display_name="bo") == State.STATE_READY


async def test_a_description_is_kept_when_it_comes_and_refused_as_an_edit(caller: Caller) -> None:
    request = wish("bo", BO)
    request.concept.description = "Afraid of thunder."
    bo = await caller.named_after(request)
    assert bo.description == "Afraid of thunder."
    with pytest.raises(Refused) as refused:
        await edited(caller, bo, description="Brave.")
    assert refused.value.reason == "METHOD_HAS_NO_DESCRIPTION"
    with pytest.raises(NotFound):
        await edited(caller, resources_pb2.Concept(name="users/me/concepts/x"), description="Y")


async def test_views_that_go_and_come_make_it_outdated_and_ready_again(caller: Caller) -> None:
    bo = await caller.learn("bo", BO)
    bo = await caller.get(bo)
    remove = memory_pb2.RemoveViewsRequest(name=bo.name, views=[bo.views[0].name])
    assert (await caller("RemoveViews", remove)).state == State.STATE_OUTDATED
    _, end = await caller.ask("Is <bo> here?", PHOTO)
    assert len(end.concepts) == 1  # used as it was trained
    await caller.over(await caller.train(bo.name))
    assert (await caller.get(bo)).state == State.STATE_READY


async def test_what_is_forgotten_for_good_leaves_nothing(
    caller: Caller, memory_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bo, lina = await caller.learn("bo", BO), await caller.learn("lina", LINA)
    await caller("Forget", memory_pb2.ForgetRequest(name=bo.name))
    artefacts = memory_folder / "artefacts"
    bo_id, lina_id = (one.name.split("/")[3] for one in (bo, lina))
    assert list(artefacts.rglob(f"{bo_id}.safetensors"))  # it can still be brought back
    monkeypatch.setattr("memory_db.schema.UNDO_WINDOW_S", 0)
    store = await caller.served.stores.of("me")
    assert store.purge_expired().concepts == (bo_id,)
    caller.served.known.tidy("me", store)
    left = [path for path in artefacts.rglob("*") if path.is_file()]
    assert not [path for path in left if bo_id in str(path) or bo_id in str(path.read_bytes())]
    assert [path for path in left if lina_id in str(path)]


async def test_concepts_of_another_embedders_memory_are_left_alone(caller: Caller) -> None:
    bo = await caller.learn("bo", BO)
    known = caller.served.known
    store = await caller.served.stores.of("ann")  # an empty memory
    known.memory = "another"
    known.tidy("me", store)
    assert (await caller.get(bo)).state == State.STATE_READY
    known.memory = PaintEmbedder.name
    known.tidy("me", store)
    assert (await caller.get(bo)).state == State.STATE_UNTRAINED


async def test_an_imported_memory_waits_to_be_trained(caller: Caller) -> None:
    await caller.learn("bo", BO)
    export = transfer_pb2.ExportMemoryRequest(
        parent=PARENT, format=transfer_pb2.MEMORY_FORMAT_KITH_ARCHIVE
    )
    pieces = caller.assistant.ExportMemory(export, metadata=caller.metadata)
    chunks = [message.chunk async for message in pieces]
    header = transfer_pb2.ImportMemoryHeader(parent=PARENT, format=export.format)
    requests = [transfer_pb2.ImportMemoryRequest(header=header)]
    requests += [transfer_pb2.ImportMemoryRequest(chunk=chunk) for chunk in chunks]
    ann = caller.by("ann")
    done = await caller.assistant.ImportMemory(iter(requests), metadata=ann.metadata)
    (concept,) = done.concepts
    assert concept.state == State.STATE_UNTRAINED
    with pytest.raises(Refused, match="negatives"):
        await ann.train(concept.name)


async def test_what_was_learned_for_another_base_model_is_refused(
    caller: Caller, memory_folder: Path
) -> None:
    bo = await caller.learn("bo", BO)
    (file,) = (memory_folder / "artefacts").rglob(f"{bo.name.split('/')[3]}.safetensors")
    artefact = Artefact.open(file)
    header = {**vars(artefact.header), "base": "0" * 64}
    Artefact(type(artefact.header)(**header), artefact.tensors).save(file)
    with pytest.raises(Refused) as refused:
        await caller.recognize(PHOTO, "bo")
    assert refused.value.reason == "BASE_MODEL_DIFFERS"
    file.write_bytes(b"damaged")
    assert (await caller.get(bo)).state == State.STATE_UNTRAINED


async def test_a_stage_that_is_away_is_waited_for(
    memory_folder: Path, tiny_spec: GeneratorSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.baselines.trainings._AWAY_S", 0.05)
    steps = Steps(fails_with=Unavailable("the embedder is away", reason="AWAY"))
    async with serving(memory_folder, tiny_spec, steps) as caller:
        operation = await caller.remember("bo", BO)

        async def tried_again() -> bool:
            return len(steps.trained) > 2

        await until(tried_again)
        steps.fails_with = None
        await caller.over(operation)
