"""The one place that knows which stages run here and which behind an address.

Models are loaded on first use, one after the other: their libraries share modules that two threads
must not import at once, and two loads at once are no faster.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

import grpc

from kith.errors import Refused, Unavailable
from memory_db import ConceptStore, MemoryPlace
from services.assistant import servicer as assistant
from services.assistant.background import in_background
from services.assistant.lazy import LazyDetector, LazyEmbedder, LazyGenerator
from services.assistant.methods import Method, method
from services.assistant.pipeline import Assistant
from services.assistant.settings import AssistantSettings, LocalSettings
from services.assistant.stages import Embedder, ModelCard, Stages
from services.assistant.stores import Stores, Tidy, place_of
from services.detection import servicer as detection
from services.detection.remote import RemoteDetector
from services.embedding import servicer as embedding
from services.embedding.remote import RemoteEmbedder
from services.generation import servicer as generation
from services.generation.remote import RemoteGenerator
from services.runtime.calls import open_channel
from services.runtime.engine import EngineSettings
from services.runtime.profile import DetectorSpec, EmbedderSpec, EncoderSpec, Profile
from services.runtime.server import Server, Service

if TYPE_CHECKING:  # each of these takes seconds to import, and gigabytes to install
    from services.detection.yolo import YoloDetector
    from services.embedding.clip import ClipEmbedder
    from services.generation.engine import EngineGenerator
    from services.generation.llava import LlavaGenerator


_FINGERPRINTED: Final = 2 * 1024**3
"""Bytes of weights that are read for a fingerprint; more take long."""

_log = logging.getLogger(__name__)


class _Model(Protocol):
    """A model that runs in this process."""

    async def warm_up(self) -> None: ...

    def close(self) -> None: ...


M = TypeVar("M", bound=_Model)
S = TypeVar("S", bound=AssistantSettings)


@dataclass(frozen=True)
class Assembly:
    """A deployment, put together."""

    services: list[Service]
    """The assistant, and the stages that run in this process."""
    further: dict[int, Service]
    """Assistants with the same memory and stages and another method, by their ports."""
    load: Callable[[], Awaitable[None]]
    """Loads all models and runs each once; calls made meanwhile wait for the model they need. What
    runs elsewhere may be away: it is looked for again by the next call that needs it."""


Generating = Callable[[Profile, "Models", LazyEmbedder], LazyGenerator]
"""Makes the language model of a deployment."""


@dataclass(frozen=True)
class Parts:
    """What the assistants of a deployment share."""

    settings: AssistantSettings
    detector: LazyDetector
    embedder: LazyEmbedder
    generator: LazyGenerator
    stages: Stages
    """The three above, and how to read their answers."""
    stores: Stores
    further: Mapping[int, Method]
    """Methods that retrieve, beside the one that is served, by their ports."""

    def assembly(self, services: Sequence[Service]) -> Assembly:
        """The deployment.

        Args:
            services: Those of the assistant.
        """
        settings = self.settings
        here = [
            (detection.service(self.detector), settings.detection),
            (embedding.service(self.embedder), settings.embedding),
            (generation.service(self.generator), settings.generation),
        ]
        further = {
            port: assistant.service(Assistant(one, self.stages, self.stores))
            for port, one in self.further.items()
        }
        stages = [service for service, elsewhere in here if not elsewhere]
        return Assembly([*services, *stages], further, self._load)

    async def _load(self) -> None:
        settings = self.settings
        await _load(self.detector, settings.detection)
        await _load(self.embedder, settings.embedding)
        await _load(self.generator, settings.generation or settings.generation_url)


@asynccontextmanager
async def assembled(settings: AssistantSettings) -> AsyncIterator[Assembly]:
    """What `settings` describe. Leaving the block closes models, connections and memories.

    Raises:
        InvalidInput: There is no such method or profile.
        Refused: The profile ships without its models and no folder is named.
    """
    chosen = method(settings.method)
    async with parts_of(settings) as parts:
        yield parts.assembly([assistant.service(Assistant(chosen, parts.stages, parts.stores))])


@asynccontextmanager
async def parts_of(
    settings: AssistantSettings, generating: Generating | None = None, tidy: Tidy = lambda *_: None
) -> AsyncIterator[Parts]:
    """The parts of what `settings` describe, but for the method.

    Args:
        settings: Which stages, where, and where memories are.
        generating: Makes the language model in place of what they say.
        tidy: See `Stores`.

    Raises:
        InvalidInput: There is no such further method, or profile.
        Refused: The profile ships without its models and no folder is named.
    """
    further = {port: method(name) for name, port in settings.further_methods.items()}
    profile = _profile(settings)
    spec = profile.embedder
    async with AsyncExitStack() as resources:
        models = Models(resources, settings)
        detector = _detector(profile, settings.detection, models)
        embedder = _embedder(profile, settings.embedding, models)
        generator = (
            generating(profile, models, embedder)
            if generating
            else _generator(profile, settings, models)
        )
        asked = settings.generation or settings.generation_url
        cards = (
            _card("detection", detector.name, settings.detection, profile.detector),
            _card("embedding", embedder.name, settings.embedding, spec),
            ModelCard("generation", generator.name, "", None if asked else _language(profile)),
        )
        stages = Stages(
            detector, embedder, generator, spec.stranger_distance, spec.distance_scale, cards
        )
        place = place_of(settings)
        resources.callback(place.close)
        stores = Stores(
            lambda user: _opened(place, user, spec, tell=isinstance(settings, LocalSettings)),
            tidy,
            settings.open_memories,
        )
        resources.push_async_callback(stores.close)
        resources.callback(asyncio.create_task(stores.keep_purging()).cancel)
        yield Parts(settings, detector, embedder, generator, stages, stores, further)


def _card(
    stage: str, name: str, elsewhere: object | None, spec: DetectorSpec | EncoderSpec
) -> ModelCard:
    """Of a model that runs here; of one elsewhere the profile's word is all that is known."""
    return ModelCard(stage, name, spec.sha256, None if elsewhere else spec.weights)


def _language(profile: Profile) -> Path | None:
    """The folder of the language model, if it is small enough to be read for a fingerprint."""
    folder = profile.generator.directory
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return folder if 0 < size <= _FINGERPRINTED else None


def _opened(place: MemoryPlace, user: str, spec: EmbedderSpec, *, tell: bool) -> ConceptStore:
    """A user's store.

    Args:
        place: Where memories are.
        user: Whose.
        spec: The embedder whose vectors it holds.
        tell: Name folder and process to a caller who is refused: it is their own machine.

    Raises:
        Refused: Another process has it open.
        Unavailable: What keeps it can't be reached.
    """
    try:
        return ConceptStore.open(place, user=user, model=spec.name, dim=spec.dim)
    except Refused as error:
        if tell or error.reason != "MEMORY_LOCKED":
            raise
        _log.error("%s", error)
        raise Refused(
            "memory: another process of the server's machine has it open; its operator can serve "
            "several methods from one process with KITH_FURTHER_METHODS",
            reason=error.reason,
        ) from error


@asynccontextmanager
async def embedder_of(settings: AssistantSettings) -> AsyncIterator[Embedder]:
    """The embedder that `settings` describe, and nothing else of them; made on first use.

    Raises:
        InvalidInput, Refused: As `assembled`.
    """
    profile = _profile(settings)
    async with AsyncExitStack() as resources:
        yield _embedder(profile, settings.embedding, Models(resources, settings))


@asynccontextmanager
async def detector_of(settings: AssistantSettings) -> AsyncIterator[LazyDetector]:
    """The detector that `settings` describe, and nothing else of them; made on first use.

    Raises:
        InvalidInput, Refused: As `assembled`.
    """
    profile = _profile(settings)
    async with AsyncExitStack() as resources:
        yield _detector(profile, settings.detection, Models(resources, settings))


@contextmanager
def local_server(
    memory: Path,
    *,
    user: str = "me",
    method: str = "kith",
    profile: str = "pocket",
    weights: Path | None = None,
) -> Iterator[str]:
    """The address of an assistant in this process, in a thread and an event loop of its own.

    It listens on a socket in a folder that only this user of the machine may enter. What the
    environment says about servers is for those that others can reach, and not for this one.

    Args:
        memory: Folder of the memory.
        user: Whose memory it is, for a call that does not say.
        method: See `AssistantSettings`.
        profile: See there.
        weights: See there.

    Raises:
        InvalidInput, Refused: As `assembled`.
    """
    settings = LocalSettings(
        memory=memory, user=user, method=method, profile=profile, weights=weights, grace_s=0.5
    )
    with served_here(settings, assembled) as address:
        yield address


@contextmanager
def served_here(
    settings: S, assemble: Callable[[S], AbstractAsyncContextManager[Assembly]]
) -> Iterator[str]:
    """The address of what `assemble` makes of `settings`; see `local_server`."""
    with TemporaryDirectory(prefix="kith-") as folder:
        address = f"unix:{folder}/socket"

        @asynccontextmanager
        async def serving() -> AsyncIterator[str]:
            async with (
                assemble(settings) as assembly,
                Server(settings, assembly.services, address) as server,
            ):
                await server.ready()
                yield address

        with in_background(serving) as served:
            yield served


async def _load(
    stage: LazyDetector | LazyEmbedder | LazyGenerator, elsewhere: object | None
) -> None:
    try:
        await stage.model.get()
    except Unavailable as error:
        if not elsewhere:
            raise
        _log.warning("%s; it is looked for again when it is needed", error)


def _profile(settings: AssistantSettings) -> Profile:
    elsewhere = settings.detection and settings.embedding
    if elsewhere and (settings.generation or settings.generation_url):
        # No model runs here, so that it doesn't matter where they lie.
        return Profile.load(settings.profile, settings.weights or Path())
    return Profile.load(settings.profile, settings.weights)


class Models:
    """Loads models and connects to others; `resources` closes them all in the end.

    Args:
        resources: Of the deployment.
        settings: The same.
    """

    def __init__(self, resources: AsyncExitStack, settings: AssistantSettings) -> None:
        self._resources = resources
        self._settings = settings
        self._loading = asyncio.Lock()

    async def here(self, load: Callable[[], M]) -> M:
        """The model that `load` gives, once it has run for the first time."""
        async with self._loading:
            model = await asyncio.to_thread(load)
        try:
            await model.warm_up()
        except BaseException:
            model.close()
            raise
        self._resources.callback(model.close)
        return model

    async def engine(self, settings: EngineSettings, max_new_tokens: int) -> "EngineGenerator":
        """The language model that an engine runs."""
        from services.generation.engine import EngineGenerator

        key = settings.generation_key
        engine = await EngineGenerator.connect(
            str(settings.generation_url),
            key=key.get_secret_value() if key else None,
            model=settings.generation_model,
            max_new_tokens=max_new_tokens,
        )
        self._resources.push_async_callback(engine.close)
        return engine

    def channel(self, address: str) -> grpc.aio.Channel:
        """A connection to a model elsewhere."""
        channel = open_channel(address, self._settings, self._settings.service_token)
        self._resources.push_async_callback(channel.close)
        return channel


def _detector(profile: Profile, address: str | None, models: Models) -> LazyDetector:
    spec, name = profile.detector, profile.detector.weights.stem
    if address:
        channel = models.channel(address)
        return LazyDetector(name, lambda: RemoteDetector.connect(channel))
    # An open vocabulary reads its words with an encoder of its own.
    text = profile.detector_text
    words = _encoder(text, profile.device, models).embed_texts if text else None

    def load() -> "YoloDetector":
        from services.detection.yolo import YoloDetector

        return YoloDetector(spec, profile.device, words)

    return LazyDetector(name, lambda: models.here(load))


def _embedder(profile: Profile, address: str | None, models: Models) -> LazyEmbedder:
    spec = profile.embedder
    if not address:
        return _encoder(spec, profile.device, models)

    channel = models.channel(address)

    async def connect() -> Embedder:
        remote = await RemoteEmbedder.connect(channel)
        if (remote.name, remote.dim) != (spec.name, spec.dim):
            raise Refused(
                f"embedding: {address} runs {remote.name} ({remote.dim}), the profile is made for "
                f"{spec.name} ({spec.dim}); choose the profile it runs",
                reason="EMBEDDER_MISMATCH",
                field="embedding",
            )
        return remote

    return LazyEmbedder(spec.name, spec.dim, connect)


def _encoder(spec: EncoderSpec, device: str, models: Models) -> LazyEmbedder:
    def load() -> "ClipEmbedder":
        from services.embedding.clip import ClipEmbedder

        return ClipEmbedder(spec, device)

    return LazyEmbedder(spec.name, spec.dim, lambda: models.here(load))


def _generator(profile: Profile, settings: AssistantSettings, models: Models) -> LazyGenerator:
    spec = profile.generator
    if settings.generation:
        channel = models.channel(settings.generation)
        return LazyGenerator(spec.directory.name, lambda: RemoteGenerator.connect(channel))
    if settings.generation_url:
        name = settings.generation_model or "engine"
        return LazyGenerator(name, lambda: models.engine(settings, spec.max_new_tokens))

    def load() -> "LlavaGenerator":
        from services.generation.llava import LlavaGenerator

        return LlavaGenerator(spec, profile.device)

    return LazyGenerator(spec.directory.name, lambda: models.here(load))
