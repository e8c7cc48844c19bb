"""`kith serve detection`: the detector in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from pydantic import Field, SecretStr

from kith.errors import InvalidInput
from kith.v1 import detection_pb2
from services.detection import servicer
from services.detection.words import RemoteWords
from services.runtime import serving
from services.runtime.calls import open_channel
from services.runtime.profile import EncoderSpec, Profile
from services.runtime.server import Server
from services.runtime.settings import CallerSettings, StageSettings


class DetectionSettings(StageSettings, CallerSettings):
    """Settings of `kith serve detection`."""

    port: int = Field(default=7451, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    embedding: str | None = None
    """HOST:PORT of an embedding service with the encoder `words`; an open-vocabulary detector
    needs it, others leave it alone."""

    service_token: SecretStr | None = None
    """Bearer token that is shown to that service."""


async def serve(settings: DetectionSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; see `serving.serve`.

    Raises:
        KithError: The model can't be loaded; nothing reads the words of an open vocabulary; the
            port is taken.
    """
    profile = Profile.load(settings.profile, settings.weights)
    async with AsyncExitStack() as resources:

        async def load(server: Server) -> None:
            from services.detection.yolo import YoloDetector  # seconds, in which health answers

            words = None
            if (spec := profile.detector_text) is not None:
                words = (await _words(spec, settings, resources)).vectors
            detector = await asyncio.to_thread(
                YoloDetector, profile.detector, profile.device, words
            )
            resources.callback(detector.close)
            await detector.warm_up()
            server.add(servicer.service(detector))

        service = detection_pb2.DESCRIPTOR.services_by_name["Detection"]
        await serving.serve(settings, [service], load, announce)


async def _words(
    spec: EncoderSpec, settings: DetectionSettings, resources: AsyncExitStack
) -> RemoteWords:
    """What reads the words of an open vocabulary, once it is there."""
    if settings.embedding is None:
        raise InvalidInput(
            "embedding: this detector finds what words name and needs their vectors; give the "
            "HOST:PORT of 'kith serve embedding' with KITH_ENCODER=words",
            reason="TEXT_ENCODER_MISSING",
            field="embedding",
        )
    channel = open_channel(settings.embedding, settings, settings.service_token)
    await resources.enter_async_context(channel)
    return await serving.once_there(lambda: RemoteWords.connect(channel, spec))
