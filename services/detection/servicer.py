"""The detector behind `kith.v1.Detection`."""

from collections.abc import Sequence
from typing import Protocol

import grpc
from PIL.Image import Image

from kith.v1 import detection_pb2, detection_pb2_grpc
from services.runtime.server import Service
from services.runtime.types import Detection
from services.runtime.wire import read_image, write_box


class Detector(Protocol):
    """What is served."""

    name: str

    async def detect(self, image: Image, categories: Sequence[str]) -> list[Detection]:
        """Regions, the most certain first."""

    async def vocabulary(self) -> tuple[str, ...]:
        """Every category it can find; () when any word will do."""


class DetectionServicer(detection_pb2_grpc.DetectionServicer):
    """Messages in, messages out; the detector knows of neither."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    async def Detect(  # noqa: N802, D102 - the contract names and describes it
        self, request: detection_pb2.DetectRequest, context: grpc.ServicerContext
    ) -> detection_pb2.DetectResponse:
        image = await read_image(request.image, field="image")
        found = await self._detector.detect(image, request.categories)
        return detection_pb2.DetectResponse(
            regions=[
                detection_pb2.DetectedRegion(box=write_box(box), category=category, score=score)
                for box, category, score in found
            ]
        )

    async def GetDetectionModel(  # noqa: N802, D102 - the same
        self, request: detection_pb2.GetDetectionModelRequest, context: grpc.ServicerContext
    ) -> detection_pb2.DetectionModel:
        words = await self._detector.vocabulary()
        return detection_pb2.DetectionModel(name=self._detector.name, vocabulary=words)


def service(detector: Detector) -> Service:
    """`detector`, ready to be served."""
    return Service(
        detection_pb2.DESCRIPTOR.services_by_name["Detection"],
        detection_pb2_grpc.add_DetectionServicer_to_server,
        DetectionServicer(detector),
    )
