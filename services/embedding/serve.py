"""`kith serve embedding`: the embedder in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from typing import Literal

from pydantic import Field

from kith.errors import InvalidInput
from kith.v1 import embedding_pb2
from services.embedding import servicer
from services.runtime import serving
from services.runtime.profile import EncoderSpec, Profile
from services.runtime.server import Server
from services.runtime.settings import StageSettings


class EmbeddingSettings(StageSettings):
    """Settings of `kith serve embedding`."""

    port: int = Field(default=7452, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    encoder: Literal["views", "words"] = "views"
    """Which of the profile's models: `views` fills the memory, `words` tells an open-vocabulary
    detector what to look for."""


async def serve(settings: EmbeddingSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; see `serving.serve`.

    Raises:
        KithError: The model can't be loaded; the port is taken.
    """
    profile = Profile.load(settings.profile, settings.weights)
    spec = _encoder(profile, settings.encoder)
    with ExitStack() as resources:

        async def load(server: Server) -> None:
            from services.embedding.clip import ClipEmbedder  # seconds, in which health answers

            embedder = await asyncio.to_thread(ClipEmbedder, spec, profile.device)
            resources.callback(embedder.close)
            await embedder.warm_up()
            server.add(servicer.service(embedder))

        service = embedding_pb2.DESCRIPTOR.services_by_name["Embedding"]
        await serving.serve(settings, [service], load, announce)


def _encoder(profile: Profile, which: str) -> EncoderSpec:
    if which == "views":
        return profile.embedder
    if profile.detector_text is None:
        raise InvalidInput(
            f"encoder: the detector of the profile {profile.name!r} has words of its own; "
            "leave it out",
            reason="ENCODER_UNKNOWN",
            field="encoder",
        )
    return profile.detector_text
