"""A gateway to an assistant that trains."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path

from services.assistant.background import in_background
from services.baselines import servicer
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.world import paint
from tests.baselines.service import OTHERS, trained
from tests.baselines.steps import Steps
from tests.gateway.world import gateway_to
from tests.generation.tiny import write_llava


@contextmanager
def training_gateway(folder: Path, steps: Steps) -> Iterator[str]:
    """Its URL. The assistant trains as `steps` does, and has a pool of negatives."""
    pool = folder / "pool"
    pool.mkdir()
    for number, thing in enumerate(OTHERS):
        paint(thing).save(pool / f"{number}.png")
    spec = replace(write_llava(folder / "llava"), dtype="float32")

    @asynccontextmanager
    async def answering() -> AsyncIterator[str]:
        async with (
            trained(folder / "memory", spec, steps, pool=pool) as assistant,
            Server(ServerSettings(port=0, grace_s=0), servicer.services(assistant)) as server,
        ):
            await server.ready()
            yield f"127.0.0.1:{server.port}"

    with in_background(answering) as address, in_background(lambda: gateway_to(address)) as url:
        yield url
        steps.may_go.set()
