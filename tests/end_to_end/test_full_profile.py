"""The full-size profile without its weights: its folder, filled with random numbers.

By default with small networks under the names of the profile; the slow test builds the published
architectures in their published sizes.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydantic import HttpUrl
from safetensors.torch import load_file, save_file

from kith import AsyncClient
from kith.cli import main
from kith.errors import Unavailable
from services.assistant.serve import serve
from services.assistant.settings import AssistantSettings
from services.detection.yolo import YoloDetector
from services.embedding.clip import ClipEmbedder
from services.runtime import images
from services.runtime.profile import Profile
from services.runtime.weights import trust
from tests.end_to_end.conftest import write_clip, write_detector
from tests.generation.fake_engine import FakeEngine

Captured = pytest.CaptureFixture[str]
EMBEDDER = Path("vit_large_patch14_clip_336.openai")
WORDS = Path("vit_base_patch32_clip_224.openai")


def write_full(folder: Path, *, published: bool) -> Path:
    """The folder that `--weights` names."""
    detector = folder / "yolov8x-worldv2.pt"
    if published:
        from ultralytics import YOLOWorld

        YOLOWorld("yolov8x-worldv2.yaml").save(detector)
    else:
        write_detector(folder / "small", open_vocabulary=True).weights.rename(detector)
    write_clip(folder / EMBEDDER, 768, "ViT-L-14-336-quickgelu" if published else None)
    write_clip(folder / WORDS, 512, "ViT-B-32-quickgelu" if published else None)
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full(tmp_path_factory.mktemp("full"), published=False)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_full(tmp_path_factory.mktemp("full"), published=True)


def photo(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (48, 64, 3), np.uint8)
    return images.encode(Image.fromarray(pixels))


def settings_for(weights: Path, memory: Path, engine: str) -> AssistantSettings:
    return AssistantSettings(
        profile="full",
        weights=weights,
        memory=memory,
        port=0,
        grace_s=0,
        generation_url=HttpUrl(engine),
    )


@asynccontextmanager
async def served(settings: AssistantSettings) -> AsyncIterator[str]:
    told: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve(settings, told.put_nowait))
    serving.add_done_callback(lambda _: told.put_nowait("over"))
    try:
        listening = await told.get()
        assert await told.get() == "ready"
        yield listening.removeprefix("listening on ")
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def two_users(address: str) -> None:
    """Each looks for the categories of their own memory, at the same time."""

    async def one(user: str, category: str, seed: int) -> None:
        async with AsyncClient(address, user=user) as kith:
            await kith.remember("it", photo(seed), category=category, description="<it> is mine.")
            for found in await asyncio.gather(*(kith.retrieve(photo(seed)) for _ in range(3))):
                assert found.regions
                assert {region.category for region in found.regions} <= {category, ""}
            answer = await kith.ask("Is <it> here?", photo(seed))
            assert answer.text == "Yes, <it> is here."  # the engine says <bo>, whom nobody knows
            assert [used.concept for used in answer.concepts] == ["it"]

    await asyncio.gather(one("anna", "teapot", 1), one("ben", "garden gnome", 2))


async def test_the_full_profile_serves_two_users_of_different_words(
    small: Path, tmp_path: Path
) -> None:
    trust(small / "yolov8x-worldv2.pt")
    engine = FakeEngine()
    async with engine.up(), served(settings_for(small, tmp_path, engine.url)) as address:
        await two_users(address)
    assert len({request["cache_salt"] for request in engine.asked}) == 2


async def test_the_full_profile_runs_without_its_engine_and_says_what_is_missing(
    small: Path, tmp_path: Path
) -> None:
    trust(small / "yolov8x-worldv2.pt")
    settings = settings_for(small, tmp_path, "http://127.0.0.1:1/v1")
    async with served(settings) as address, AsyncClient(address) as kith:
        await kith.remember("it", photo(1), category="teapot", description="<it> is mine.")
        assert (await kith.retrieve(photo(1))).regions
        answer = await kith.ask("Is <it> here?", photo(1))
        assert answer.text.startswith("Seen here: <it>.")
        assert answer.degradation
        assert "KITH_GENERATION_URL" in answer.degradation.message
        with pytest.raises(Unavailable, match="KITH_GENERATION_URL"):
            await kith.ask("What is <it>?")


def refusal(weights: Path, capsys: Captured) -> str:
    """What `kith serve` says, in one line, before it gives up."""
    assert main(["--profile", "full", "--weights", str(weights), "serve", "--port", "0"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_what_is_wrong_with_the_folder_is_told_in_one_line(
    small: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KITH_GENERATION_URL", "http://127.0.0.1:1/v1")
    weights = shutil.copytree(small, tmp_path / "full")
    detector, clip = weights / "yolov8x-worldv2.pt", weights / EMBEDDER
    assert "yolov8x-worldv2.pt is a pickle and can run code" in refusal(weights, capsys)
    trust(detector)
    with detector.open("ab") as file:
        file.write(b"!")
    assert "does not name its sha256" in refusal(weights, capsys)
    detector.unlink()
    assert f"no file {detector}" in refusal(weights, capsys)
    shutil.copy(small / detector.name, detector)
    tensors = load_file(clip / "open_clip_model.safetensors")
    del tensors["visual.proj"]
    save_file(tensors, clip / "open_clip_model.safetensors")
    assert "open_clip_model.safetensors is not the whole" in refusal(weights, capsys)
    (clip / "open_clip_model.safetensors").write_bytes(b"half a file")
    assert "open_clip_model.safetensors is not the whole" in refusal(weights, capsys)
    (clip / "open_clip_config.json").unlink()
    assert f"no file {clip / 'open_clip_config.json'}" in refusal(weights, capsys)


def test_without_an_engine_the_profiles_own_language_model_is_looked_for(
    small: Path, capsys: Captured
) -> None:
    trust(small / "yolov8x-worldv2.pt")
    line = refusal(small, capsys)
    assert f"no safetensors in {small / 'llava-1.5-7b-hf'}" in line


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_the_published_architectures_load_and_run(published: Path, tmp_path: Path) -> None:
    trust(published / "yolov8x-worldv2.pt")
    engine = FakeEngine()
    async with engine.up(), served(settings_for(published, tmp_path, engine.url)) as address:
        await two_users(address)


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_the_published_detector_answers_in_the_words_it_is_asked(published: Path) -> None:
    """Random weights are sure of nothing, so here every box counts."""
    profile = Profile.load("full", published)
    assert profile.detector_text is not None
    trust(profile.detector.weights)
    words = ClipEmbedder(profile.detector_text)
    spec = replace(profile.detector, confidence=0.0)
    detector = YoloDetector(spec, text_vectors=words.embed_texts)
    asked = [["teapot"], ["garden gnome", "left shoe", "my grandmother's clock"]]
    image = images.decode(photo(3), field="photo")
    for found, wanted in zip(
        await asyncio.gather(*(detector.detect(image, each) for each in asked)), asked, strict=True
    ):
        assert found
        assert {detection.category for detection in found} <= set(wanted)
    detector.close()
    words.close()
