"""The examples do what they say, against a server with fixed answers."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_reflection.v1alpha import reflection
from PIL import Image

from examples import photos, reflection_client
from kith.client import Client
from kith.messages import Box, Match, Region, Retrieval
from kith.v1 import assistant_pb2
from kith.v1.assistant_pb2_grpc import add_AssistantServicer_to_server
from tests.kith.fake import FakeAssistant


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two concepts, red and blue, with a photo of both and one of neither."""
    colors = {"bo": "red", "mia": "blue"}
    files = []
    concepts = {}
    for name, color in colors.items():
        for role in ("train", "test"):
            Image.new("RGB", (8, 8), color).save(tmp_path / f"{name}-{role}.png")
            files.append({"file": f"{name}-{role}.png", "role": role, "concepts": [name]})
        concepts[name] = {
            "category": "dog",
            "description": color,
            "train": [f"{name}-train.png"],
            "test": [f"{name}-test.png"],
        }
    for role, shown in (("multi", ["bo", "mia"]), ("negative", [])):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{role}.png")
        files.append({"file": f"{role}.png", "role": role, "concepts": shown})
    manifest = {"concepts": concepts, "files": files}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return tmp_path


def test_photographs_are_counted(client: Client, folder: Path) -> None:
    # The fake server sees <bo>, the first concept, in every photo.
    figures = photos.evaluate(client, folder, quiet=True)
    assert figures == photos.Figures(
        concepts=2,
        chance=0.5,
        test_photos=2,
        histogram_top1=1.0,
        top1=0.5,
        named_right=0.5,
        named_wrong=0.5,
        multi_photos=1,
        multi_recall=0.5,
        strangers=1,
        strangers_rejected=0.0,
        failures=0,
    )
    assert photos.table(figures).row_count == 7


def test_a_photo_that_fails_is_counted_and_the_rest_goes_on(
    client: Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "negative.png").unlink()
    figures = photos.evaluate(client, folder, quiet=True)
    assert (figures.failures, figures.strangers_rejected) == (1, 1.0)
    assert "can't read" in capsys.readouterr().err


def test_the_nearest_match_is_that_of_all_regions() -> None:
    box = Box(0, 0, 1, 1)
    far = Region(box, "dog", 0.9, (Match("mia", 0.8, False),))
    near = Region(box, "dog", 0.2, (Match("bo", 0.3, False), Match("mia", 0.9, False)))
    assert photos.nearest(Retrieval(1, 1, (far, near), ())) == "bo"
    assert photos.nearest(Retrieval(1, 1, (), ())) is None


@pytest.fixture
def channel(assistant: FakeAssistant) -> Iterator[grpc.Channel]:
    server = grpc.server(ThreadPoolExecutor(4))
    add_AssistantServicer_to_server(assistant, server)
    name = assistant_pb2.DESCRIPTOR.services_by_name["Assistant"].full_name
    reflection.enable_server_reflection([name], server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    server.stop(None).wait()


def test_a_client_without_stubs_lists_and_calls_methods(
    channel: grpc.Channel, assistant: FakeAssistant, photo: Path
) -> None:
    assert "kith.v1.Assistant/Retrieve" in list(reflection_client.methods(channel))
    request = {"parent": "users/me", "images": [{"data": f"@{photo}"}]}
    (reply,) = reflection_client.call(channel, "kith.v1.Assistant/Retrieve", request)
    assert reply["retrievals"][0]["regions"][0]["box"]["x1"] == 10.0
    assert assistant.requests[0].images[0].data == b"a photo"


def test_a_client_without_stubs_reads_streams(channel: grpc.Channel) -> None:
    turn = {"role": "ROLE_USER", "parts": [{"text": "Who?"}]}
    request = {"parent": "users/me", "turns": [turn]}
    *texts, end = reflection_client.call(channel, "kith.v1.Assistant/Generate", request)
    assert "".join(text["text"] for text in texts) == "Yes, <bo> sits there."
    assert end["end"]["concepts"][0]["display_name"] == "bo"
