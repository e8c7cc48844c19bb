"""Every service by itself, wired by addresses, as `kith serve SERVICE` runs them."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kith import AsyncClient
from kith.errors import InvalidInput, Unauthenticated, Unavailable
from services.assistant.serve import serve as serve_assistant
from services.assistant.settings import AloneSettings
from services.detection import serve as detection
from services.embedding import serve as embedding
from services.generation import serve as generation
from services.runtime.calls import calling, open_channel
from services.runtime.profile import Profile
from tests.end_to_end.test_one_process import every_stage, run_with, session

Serve = Callable[[Any, Callable[[str], None]], Awaitable[None]]
QUICK: dict[str, Any] = {"port": 0, "grace_s": 0}


@asynccontextmanager
async def running(serve: Serve, settings: object) -> AsyncIterator[str]:
    """The address of a service, once it is ready."""
    told: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.ensure_future(serve(settings, told.put_nowait))
    try:
        saying = asyncio.ensure_future(told.get())
        for _ in range(2):
            await asyncio.wait({task, saying}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            said = await saying
            if said == "ready":
                break
            address = said.removeprefix("listening on ")
            saying = asyncio.ensure_future(told.get())
        yield address
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("kind", ["fixed_profile", "open_profile"])
async def test_five_services_do_what_one_does(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile: Profile = request.getfixturevalue(kind)
    run_with(monkeypatch, profile)
    tokens = tmp_path / "tokens"
    digest = hashlib.sha256(b"between us").hexdigest()
    tokens.write_text(f"assistant {digest}\n", encoding="utf-8")
    guarded = QUICK | {"tokens_file": tokens}
    shown: dict[str, Any] = {"service_token": "between us"}
    async with AsyncExitStack() as stack:
        start = stack.enter_async_context
        words = None
        if profile.detector_text is not None:
            settings = embedding.EmbeddingSettings(**guarded, encoder="words")
            words = await start(running(embedding.serve, settings))
        seeing = detection.DetectionSettings(**guarded, **shown, embedding=words)
        stages = {
            "detection": await start(running(detection.serve, seeing)),
            "embedding": await start(
                running(embedding.serve, embedding.EmbeddingSettings(**guarded))
            ),
            "generation": await start(
                running(generation.serve, generation.GenerationSettings(**guarded))
            ),
        }
        alone = AloneSettings(**QUICK, **shown, **stages, memory=tmp_path / "memory")
        await session(await start(running(serve_assistant, alone)))
        async with open_channel(stages["detection"]) as channel:
            with pytest.raises(Unauthenticated), calling("detection"):
                await every_stage(channel)


async def test_an_open_vocabulary_without_an_encoder_is_refused_in_one_line(
    open_profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, open_profile)
    with pytest.raises(InvalidInput, match="KITH_ENCODER=words"):
        async with running(detection.serve, detection.DetectionSettings(**QUICK)):
            pass


async def test_a_fixed_vocabulary_has_no_encoder_for_words(
    fixed_profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, fixed_profile)
    settings = embedding.EmbeddingSettings(**QUICK, encoder="words")
    with pytest.raises(InvalidInput, match="encoder"):
        async with running(embedding.serve, settings):
            pass


async def test_an_assistant_is_there_before_its_stages_and_finds_them(
    fixed_profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_with(monkeypatch, fixed_profile)
    async with AsyncExitStack() as stack:
        first = running(detection.serve, detection.DetectionSettings(**QUICK))
        seen = await stack.enter_async_context(first)
        reading = running(embedding.serve, embedding.EmbeddingSettings(**QUICK))
        read = await stack.enter_async_context(reading)
        writing = running(generation.serve, generation.GenerationSettings(**QUICK))
        async with writing as written:
            pass
        at = {"detection": seen, "embedding": read, "generation": written}
        alone = AloneSettings(**QUICK, **at, memory=tmp_path)
        address = await stack.enter_async_context(running(serve_assistant, alone))
        async with AsyncClient(address) as kith:
            with pytest.raises(Unavailable, match="generation: the service can't be reached"):
                await kith.ask("Who is here?")
            port = int(written.rpartition(":")[2])
            again = generation.GenerationSettings(port=port, grace_s=0)
            await stack.enter_async_context(running(generation.serve, again))
            async with asyncio.timeout(20):
                while not await answers(kith):  # noqa: ASYNC110 - it is the asking that is tested
                    await asyncio.sleep(0.1)


async def answers(kith: AsyncClient) -> bool:
    try:
        await kith.ask("Who is here?")
    except Unavailable:
        return False
    return True
