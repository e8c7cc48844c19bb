"""A method that trains, as programs and the command line see it."""

import json
from collections.abc import Iterator

import pytest

from kith import AsyncClient
from kith.client import Client
from kith.errors import InvalidInput, KithError, NotFound, Refused
from kith.messages import Training
from kith.v1 import resources_pb2
from tests.kith.conftest import Run
from tests.kith.fake import FakeAssistant, FakeTraining


@pytest.fixture
def training(assistant: FakeAssistant) -> FakeTraining:
    assistant.training = FakeTraining()
    return assistant.training


@pytest.fixture
def client(training: FakeTraining, address: str) -> Iterator[Client]:
    with Client(address) as kith:
        yield kith


def test_remember_waits_for_the_training_and_tells_how_far_it_is(client: Client) -> None:
    seen: list[Training] = []
    made = client.remember("bo", b"a", progress=seen.append)
    assert (made.display_name, made.state) == ("bo", "ready")
    assert [one.epochs_done for one in seen] == [0, 1]
    assert seen[0] == Training("operations/7", (made.name,), 0, 0, 2, 0.5, 40.0)


def test_without_waiting_the_concept_comes_at_once(client: Client, training: FakeTraining) -> None:
    seen: list[Training] = []
    made = client.remember("bo", b"a", wait=False, progress=seen.append)
    assert made.state == "training"
    assert [one.remaining_s for one in seen] == [40.0]
    assert training.waits == []


def test_negatives_captions_and_masks_travel_with_the_photos(
    client: Client, assistant: FakeAssistant
) -> None:
    client.remember(
        "bo", [b"a", b"b"], negatives=[b"n"] * 3, captions=["<bo>", ""], masks=[None, b"m"]
    )
    (request,) = assistant.requests
    assert [one.data for one in request.negatives] == [b"n"] * 3
    assert [view.caption for view in request.views] == ["<bo>", ""]
    assert [view.mask.data for view in request.views] == [b"", b"m"]
    with pytest.raises(InvalidInput, match="captions: there are 1 for 2 photos"):
        client.remember("bo", [b"a", b"b"], captions=["one"])


def test_a_training_that_failed_is_the_error_of_the_call(
    client: Client, training: FakeTraining
) -> None:
    training.fails_with = Refused("negatives: none", reason="NEGATIVES_MISSING")
    with pytest.raises(Refused, match="negatives: none") as refused:
        client.remember("bo", b"a")
    assert refused.value.reason == "NEGATIVES_MISSING"
    with pytest.raises(Refused):
        client.train("bo")


def test_concepts_are_trained_again_by_their_names(client: Client) -> None:
    names = [client.remember(name, b"a").name for name in ("bo", "lina")]
    assert [one.display_name for one in client.train(["bo", "lina"])] == ["bo", "lina"]
    (told,) = client.trainings()
    assert (told.concepts, told.done) == (tuple(names), True)


def test_a_training_is_ended_by_the_name_of_its_concept(
    client: Client, training: FakeTraining
) -> None:
    client.remember("bo", b"a", wait=False)
    client.remember("lina", b"a", wait=False)
    with pytest.raises(NotFound, match="is not being trained"):
        client.cancel_training("bo")
    client.cancel_training("lina")
    assert isinstance(training.fails_with, KithError)


async def test_the_asyncio_client_waits_as_well(training: FakeTraining, address: str) -> None:
    async with AsyncClient(address) as kith:
        assert (await kith.remember("bo", b"a")).state == "ready"
        assert [one.state for one in await kith.train("bo")] == ["ready"]


def test_the_command_line_trains(
    training: FakeTraining, kith: Run, photo: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kith("remember", "bo", photo) == 0
    assert kith("train", "bo") == 0
    assert "Trained <bo>" in capsys.readouterr().out
    assert kith("--json", "train", "bo") == 0
    assert '"display_name": "bo"' in capsys.readouterr().out
    assert kith("train", "--cancel", "bo") != 0
    assert "is not being trained" in capsys.readouterr().err


def test_json_says_where_a_concept_stands(
    training: FakeTraining,
    assistant: FakeAssistant,
    kith: Run,
    photo: object,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert kith("remember", "bo", photo) == 0
    for name in ("TRAINING", "UNTRAINED", "OUTDATED", "READY"):
        assistant.concepts["bo"].state = resources_pb2.Concept.State.Value(f"STATE_{name}")
        capsys.readouterr()
        assert kith("--json", "list") == 0
        (listed,) = json.loads(capsys.readouterr().out)["concepts"]
        assert kith("--json", "show", "bo") == 0
        shown = json.loads(capsys.readouterr().out)
        assert listed["state"] == shown["state"] == name.lower()


def test_a_method_that_does_not_train_says_so(kith: Run, photo: object) -> None:
    assert kith("remember", "bo", photo) == 0
    assert kith("train", "bo") != 0
