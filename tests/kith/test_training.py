"""A method that trains, as programs and the command line see it."""

import json
from collections.abc import Iterator
from pathlib import Path

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
    assert (told.concepts, told.done, told.state) == (tuple(names), True, "done")


def test_a_training_is_ended_by_the_name_of_its_concept(
    client: Client, training: FakeTraining
) -> None:
    client.remember("bo", b"a", wait=False)
    client.remember("lina", b"a", wait=False)
    with pytest.raises(NotFound, match="is not being trained"):
        client.cancel_training("bo")
    client.cancel_training("lina")
    assert isinstance(training.fails_with, KithError)
    (told,) = client.trainings()
    assert (told.state, told.error, told.done) == ("cancelled", "the training was cancelled", True)


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


def test_a_method_that_does_not_train_says_so(
    kith: Run, photo: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert kith("remember", "bo", photo) == 0
    assert kith("train", "bo") != 0
    for further in (["--cancel", "bo"], ["--list"]):
        capsys.readouterr()
        assert kith("train", *further) == 1
        assert "'kith' does not train" in capsys.readouterr().err


async def test_where_nothing_trains_nothing_is_listed_or_cancelled(
    assistant: FakeAssistant, address: str
) -> None:
    with Client(address) as client:
        client.remember("bo", b"a")
        for call in (client.trainings, lambda: client.cancel_training("bo")):
            with pytest.raises(Refused) as refused:
                call()
            assert refused.value.reason == "METHOD_DOES_NOT_TRAIN"
    async with AsyncClient(address) as kith:
        for waiting in (kith.trainings(), kith.cancel_training("bo")):
            with pytest.raises(Refused) as refused:
                await waiting
            assert refused.value.reason == "METHOD_DOES_NOT_TRAIN"


def test_a_training_that_failed_says_why(client: Client, training: FakeTraining) -> None:
    client.remember("bo", b"a", wait=False)
    assert [one.state for one in client.trainings()] == ["training"]
    training.queue_position = 2
    assert [one.state for one in client.trainings()] == ["queued"]
    training.fails_with, training.epochs = Refused("negatives: none", reason="X"), 2
    assert [(one.state, one.error) for one in client.trainings()] == [("failed", "negatives: none")]


def test_the_command_line_lists_trainings(
    training: FakeTraining, kith: Run, photo: object, capsys: pytest.CaptureFixture[str]
) -> None:
    def listed(*before: str) -> str:
        capsys.readouterr()
        assert kith(*before, "train", "--list") == 0
        return " ".join(capsys.readouterr().out.split())

    assert kith("remember", "bo", photo) == 0
    assert "<bo> done 2 of 2 0.500" in listed()
    training.epochs, training.of = 1, 15
    assert "<bo> training 1 of 15 0.500 40 s" in listed()
    training.queue_position = 3
    assert "<bo> queued, 3 before it 1 of 15" in listed()
    training.epochs = 2
    training.over = True
    assert "<bo> done stopped after 2 of 15, nothing got better 0.500" in listed()
    (told,) = json.loads(listed("--json"))["trainings"]
    assert told == {
        "operation": "operations/7",
        "concepts": ["bo"],
        "state": "done",
        "queue_position": 3,
        "epochs_done": 2,
        "epochs_total": 15,
        "loss": 0.5,
        "remaining_s": 40.0,
        "error": "",
    }
    training.fails_with = Refused("negatives: none, [b]send[/b] some", reason="X")
    assert "<bo> failed 2 of 15 0.500 negatives: none, [b]send[/b] some" in listed()


def test_train_needs_a_concept_or_lists(
    training: FakeTraining, kith: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    for arguments, said in (
        (("train",), "name what to train"),
        (("train", "--list", "bo"), "takes no CONCEPT"),
    ):
        assert kith(*arguments) == 2
        assert said in capsys.readouterr().err


def test_a_negative_that_is_refused_is_named_by_its_file(
    training: FakeTraining,
    kith: Run,
    photo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = tmp_path / "pool"
    folder.mkdir()
    for name, content in (("a.png", b"fine"), ("b.png", b"broken")):
        (folder / name).write_bytes(content)
    assert kith("remember", "bo", photo, "--negatives", folder) == 2
    said = capsys.readouterr().err
    assert f"{folder / 'b.png'}: negatives[1]: not an image" in " ".join(said.split())
    (folder / "b.png").write_bytes(b"")
    assert kith("remember", "bo", photo, "--negatives", folder) == 2
    said = capsys.readouterr().err
    assert "b.png is empty" in said
    assert str(photo) not in said
