from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from kith.client import Client
from kith.errors import InvalidInput, KithError, NotFound
from kith.messages import Box, Concept, Degradation
from kith.v1 import query_pb2
from tests.kith.fake import FakeAssistant, serving


def test_a_concept_is_remembered_with_its_words_boxes_and_photos(
    client: Client, assistant: FakeAssistant, photo: Path
) -> None:
    made = client.remember(
        "bo", [photo, b"another"], category="dog", description="mine", boxes=[(1, 2, 3, 4), None]
    )
    assert made.name == "users/me/concepts/c1"
    assert (made.display_name, made.category, made.description) == ("bo", "dog", "mine")
    assert [view.box for view in made.views] == [Box(1, 2, 3, 4), None]
    assert made.created is not None
    assert made.created.tzinfo is not None
    (request,) = assistant.requests
    assert request.parent == "users/me"
    assert [view.photo.data for view in request.views] == [b"a photo", b"another"]
    assert len(request.request_id) == 36


def test_one_photo_needs_no_list(client: Client, assistant: FakeAssistant, photo: Path) -> None:
    client.remember("bo", photo)
    client.remember("mia", str(photo))
    client.remember("pip", b"bytes")
    assert [len(request.views) for request in assistant.requests] == [1, 1, 1]


def test_a_pillow_image_travels_as_png(client: Client, assistant: FakeAssistant) -> None:
    client.remember("bo", Image.new("RGB", (4, 4)))
    assert assistant.requests[0].views[0].photo.data.startswith(b"\x89PNG")


def test_boxes_that_do_not_fit_the_photos_are_refused_before_anything_is_sent(
    client: Client, assistant: FakeAssistant
) -> None:
    with pytest.raises(InvalidInput, match="1 for 2 photos"):
        client.remember("bo", [b"a", b"b"], boxes=[(0, 0, 1, 1)])
    assert assistant.requests == []


def test_every_page_of_the_list_is_read(client: Client, assistant: FakeAssistant) -> None:
    names = ["bo", "mia", "pip", "rocket", "sunny"]
    for name in names:
        client.remember(name, b"a")
    assert [concept.display_name for concept in client.list_concepts()] == names
    assert [request.page_token for request in assistant.requests[5:]] == ["", "2", "4"]


def test_a_concept_is_found_by_what_it_is_called_and_by_its_resource_name(client: Client) -> None:
    made = client.remember("bo", b"a")
    assert client.get("bo") == client.get(made.name) == made


def test_a_name_nobody_has_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="no 'bo'"):
        client.get("bo")


def test_an_edit_changes_only_the_words_that_are_given(
    client: Client, assistant: FakeAssistant
) -> None:
    client.remember("bo", b"a", category="dog", description="mine")
    changed = client.edit("bo", description="", etag="7")
    assert (changed.category, changed.description) == ("dog", "")
    request = assistant.requests[-1]
    assert list(request.update_mask.paths) == ["description"]
    assert request.concept.etag == "7"


def test_an_edit_of_nothing_is_refused(client: Client) -> None:
    with pytest.raises(InvalidInput, match="nothing to change"):
        client.edit("bo")


def test_views_are_added_rejected_shown_and_removed(client: Client) -> None:
    client.remember("bo", b"a")
    assert len(client.add_views("bo", [b"b", b"c"]).views) == 3
    rejected = client.reject("bo", b"d", box=(0, 0, 5, 5))
    assert [view.negative for view in rejected.views] == [False, False, False, True]
    assert len(rejected.positive_views) == 3
    first = rejected.views[0].name
    assert client.get_view(first).photo == b"stored"
    assert first not in [view.name for view in client.remove_views("bo", [first]).views]


def test_what_is_forgotten_is_gone_from_the_list_and_comes_back(client: Client) -> None:
    client.remember("bo", b"a")
    gone = client.forget("bo")
    assert gone.state == "forgotten"
    assert gone.purged is not None
    assert client.list_concepts() == []
    assert [one.display_name for one in client.list_concepts(forgotten=True)] == ["bo"]
    assert client.unforget("bo").state == "ready"
    with pytest.raises(NotFound, match="no 'bo' is forgotten"):
        client.unforget("bo")


def test_a_watch_reports_each_edit_with_its_token(client: Client) -> None:
    client.remember("bo", b"a")
    begun, edit = client.watch(resume_token="5")
    assert (begun.kind, begun.concept) == ("none", None)
    assert edit.kind == "remembered"
    assert isinstance(edit.concept, Concept)
    assert edit.concept.display_name == "bo"
    assert edit.resume_token == "1"


def test_a_photo_is_searched_for_what_is_known(client: Client) -> None:
    client.remember("bo", b"a")
    found = client.retrieve(b"photo")
    assert (found.width, found.height) == (256, 256)
    assert found.regions[0].box == Box(10, 20, 110, 140.5)
    assert found.regions[0].matches[0].concept == "bo"
    assert found.regions[0].matches[0].accepted
    assert [used.concept for used in found.accepted] == ["bo"]


def test_recognition_answers_in_the_order_asked(client: Client) -> None:
    client.remember("bo", b"a")
    client.remember("mia", b"a")
    there, absent = client.recognize(b"photo", ["bo", "mia"])
    assert (there.concept, there.present, there.box) == ("bo", True, Box(10, 20, 110, 140.5))
    assert (absent.concept, absent.present, absent.box) == ("mia", False, None)


def test_a_question_is_answered_with_what_the_answer_rests_on(
    client: Client, assistant: FakeAssistant, photo: Path
) -> None:
    answer = client.ask("Is <bo> here?", photo)
    assert answer.text == "Yes, <bo> sits there."
    assert answer.complete
    assert answer.concepts[0].concept == "bo"
    assert answer.concepts[0].image_index == 0
    (turn,) = assistant.requests[0].turns
    assert [part.WhichOneof("content") for part in turn.parts] == ["image", "text"]


def test_an_answer_tells_what_it_had_to_do_without(
    client: Client, assistant: FakeAssistant
) -> None:
    assert client.ask("Who?").degradation is None
    assistant.degradation = query_pb2.Degradation(
        loss=query_pb2.Degradation.LOSS_MEMORY, reason="MEMORY_UNREACHABLE", message="start it"
    )
    lost = client.ask("Who?").degradation
    assert lost == Degradation("memory", "MEMORY_UNREACHABLE", "start it")


def test_a_question_without_a_photo_sends_none(client: Client, assistant: FakeAssistant) -> None:
    client.ask("What is <bo>?")
    assert len(assistant.requests[0].turns[0].parts) == 1


def test_an_answer_streams_and_its_last_piece_brings_the_whole(client: Client) -> None:
    *pieces, last = client.ask_stream("Is <bo> here?", b"photo")
    assert [piece.text for piece in pieces] == ["Yes, ", "<bo> ", "sits there."]
    assert [piece.answer for piece in pieces] == [None, None, None]
    assert last.answer == client.ask("Is <bo> here?", b"photo")


def test_capabilities_say_which_models_there_are(client: Client) -> None:
    can = client.capabilities()
    assert (can.method, can.training, can.retrieval) == ("kith", False, True)
    assert [(model.stage, model.name) for model in can.models] == [("detection", "fake")]


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda address: Client(address, user="ann"), ("kith-user", "ann")),
        (
            lambda address: Client(address, user="ann", token="secret"),
            ("authorization", "Bearer secret"),
        ),
    ],
)
def test_every_call_carries_the_credential(
    make: Callable[[str], Client],
    expected: tuple[str, str],
    address: str,
    assistant: FakeAssistant,
) -> None:
    with make(address) as kith:
        kith.list_concepts()
        list(kith.watch())
    for metadata in assistant.metadata:
        sent = {key: metadata[key] for key in ("kith-user", "authorization") if key in metadata}
        assert sent == dict([expected])


def test_a_named_server_leaves_no_choice_of_memory() -> None:
    with pytest.raises(InvalidInput, match="memory: the server at"):
        Client("localhost:1", memory="somewhere")


def test_a_server_that_is_not_there_is_named() -> None:
    with serving(FakeAssistant()) as address:
        pass
    with Client(address) as kith, pytest.raises(KithError, match=f"nobody answers at {address}"):
        kith.list_concepts()


def test_help_shows_a_verb_as_it_is_called() -> None:
    assert Client.ask.__doc__
    assert "question" in Client.ask.__annotations__
