"""`kith serve generation`: the language model, or the way to an engine, in a process of its own."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from pydantic import Field

from kith.v1 import generation_pb2
from services.generation import servicer
from services.runtime import serving
from services.runtime.engine import EngineSettings
from services.runtime.profile import GeneratorSpec, Profile
from services.runtime.server import Server
from services.runtime.settings import StageSettings


class GenerationSettings(StageSettings, EngineSettings):
    """Settings of `kith serve generation`."""

    port: int = Field(default=7453, ge=0, le=65535)
    """TCP port; 0 takes a free one."""


async def serve(settings: GenerationSettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGINT or SIGTERM; see `serving.serve`.

    Raises:
        KithError: The model can't be loaded; the engine's address is none; the port is taken.
    """
    profile = Profile.load(settings.profile, settings.weights)
    async with AsyncExitStack() as resources:

        async def load(server: Server) -> None:
            if settings.generation_url is None:
                generator = await _here(profile, resources)
            else:
                generator = await _elsewhere(profile.generator, settings, resources)
            server.add(servicer.service(generator))

        service = generation_pb2.DESCRIPTOR.services_by_name["Generation"]
        await serving.serve(settings, [service], load, announce)


async def _here(profile: Profile, resources: AsyncExitStack) -> servicer.Generator:
    from services.generation.llava import LlavaGenerator  # seconds, in which health answers

    generator = await asyncio.to_thread(LlavaGenerator, profile.generator, profile.device)
    resources.callback(generator.close)
    await generator.warm_up()
    return generator


async def _elsewhere(
    spec: GeneratorSpec, settings: EngineSettings, resources: AsyncExitStack
) -> servicer.Generator:
    from services.generation.engine import EngineGenerator

    key = settings.generation_key
    engine = await serving.once_there(
        lambda: EngineGenerator.connect(
            str(settings.generation_url),
            key=key.get_secret_value() if key else None,
            model=settings.generation_model,
            max_new_tokens=spec.max_new_tokens,
        )
    )
    resources.push_async_callback(engine.close)
    return engine
