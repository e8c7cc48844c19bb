"""A detector that runs in another process, of the same shape as the one that runs in this."""

from collections.abc import Sequence
from typing import Self

import grpc
from PIL.Image import Image

from kith.v1 import detection_pb2, detection_pb2_grpc
from services.runtime.calls import calling
from services.runtime.types import Detection
from services.runtime.wire import read_box, write_image


class RemoteDetector:
    """Calls `kith.v1.Detection`; made by `connect`.

    Every method raises what the detector itself would, and `Unavailable` when nobody answers.
    """

    def __init__(
        self, channel: grpc.aio.Channel, model: detection_pb2.DetectionModel, timeout_s: float
    ) -> None:
        self._stub = detection_pb2_grpc.DetectionStub(channel)
        self._timeout_s = timeout_s
        self._vocabulary = tuple(model.vocabulary)
        self.name = model.name

    @classmethod
    async def connect(cls, channel: grpc.aio.Channel, timeout_s: float = 30) -> Self:
        """Asks the service which model it runs. A call that takes `timeout_s` is given up."""
        stub = detection_pb2_grpc.DetectionStub(channel)
        request = detection_pb2.GetDetectionModelRequest()
        with calling("detection"):
            return cls(channel, await stub.GetDetectionModel(request, timeout=timeout_s), timeout_s)

    async def vocabulary(self) -> tuple[str, ...]:
        """Every category it can find, in the model's order; () when any word will do."""
        return self._vocabulary

    async def detect(self, image: Image, categories: Sequence[str]) -> list[Detection]:
        """Regions of `image`, the most certain first, boxes in its pixels."""
        request = detection_pb2.DetectRequest(image=await write_image(image), categories=categories)
        with calling("detection"):
            response = await self._stub.Detect(request, timeout=self._timeout_s)
        return [
            Detection(read_box(region.box), region.category, region.score)
            for region in response.regions
        ]
