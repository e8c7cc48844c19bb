"""A detector behind an address answers as the one in this process does."""

import pytest
from PIL import Image

from kith.errors import InvalidInput, Unavailable
from kith.v1 import common_pb2, detection_pb2, detection_pb2_grpc
from services.detection.remote import RemoteDetector
from services.detection.servicer import service
from services.detection.yolo import YoloDetector
from services.runtime.calls import calling, open_channel
from tests.runtime.serving import served


@pytest.mark.parametrize("words", [[], ["dog", "plush toy"], ["zeppelin"]])
@pytest.mark.parametrize("kind", ["fixed", "opened"])
async def test_local_and_remote_find_the_same(
    kind: str, words: list[str], photo: Image.Image, request: pytest.FixtureRequest
) -> None:
    local: YoloDetector = request.getfixturevalue(kind)
    async with served(service(local)) as channel:
        remote = await RemoteDetector.connect(channel)
        here, there = await local.detect(photo, words), await remote.detect(photo, words)
        assert await remote.vocabulary() == await local.vocabulary()
        assert remote.name == local.name
    assert [d.category for d in there] == [d.category for d in here]
    for far, near in zip(there, here, strict=True):
        assert far.box == pytest.approx(near.box, abs=1e-3)
        assert far.score == pytest.approx(near.score, abs=1e-6)


async def test_a_bad_photo_is_refused_naming_the_field(fixed: YoloDetector) -> None:
    async with served(service(fixed)) as channel:
        stub = detection_pb2_grpc.DetectionStub(channel)
        for data, reason in ((b"no picture", "NOT_AN_IMAGE"), (b"", "FIELD_INVALID")):
            request = detection_pb2.DetectRequest(image=common_pb2.Image(data=data))
            with pytest.raises(InvalidInput) as refusal, calling("detection"):
                await stub.Detect(request)
            assert refusal.value.reason == reason
            assert refusal.value.field is not None
            assert refusal.value.field.startswith("image")


async def test_a_service_that_is_not_there_is_unavailable() -> None:
    async with open_channel("127.0.0.1:1") as channel:
        with pytest.raises(Unavailable, match="detection") as failure:
            await RemoteDetector.connect(channel)
    assert failure.value.reason == "SERVICE_UNREACHABLE"
