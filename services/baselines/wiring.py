"""An assistant whose method trains, put together: its base model always runs in this process."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    contextmanager,
)
from dataclasses import replace
from pathlib import Path
from typing import cast

from kith.errors import InvalidInput
from memory_db import ConceptStore
from services.assistant.lazy import LazyEmbedder, LazyGenerator
from services.assistant.wiring import Assembly, Models, parts_of, served_here
from services.baselines import servicer
from services.baselines.gathering import Gathering
from services.baselines.known import Known
from services.baselines.learner import Learner
from services.baselines.learning import Learning
from services.baselines.methods import Method, method
from services.baselines.personal import Personal
from services.baselines.pipeline import TrainedAssistant
from services.baselines.pool import Pool
from services.baselines.settings import LocalTrainingSettings, TrainingSettings
from services.baselines.trainings import Limits, Trainings
from services.runtime.profile import Profile
from services.runtime.weights import fingerprint_of


def assembled(settings: TrainingSettings) -> AbstractAsyncContextManager[Assembly]:
    """What `settings` describe. Leaving the block closes models, connections and memories.

    Trainings that an earlier process left are gone on with once the models are loaded, or once
    somebody asks for a training.

    Raises:
        InvalidInput: There is no such method or profile, or an engine is named that no concept can
            be taught to.
        Refused: The profile ships without its models and no folder is named.
    """
    return assembled_for(settings, method(settings.method, settings.faces))


@asynccontextmanager
async def assembled_for(settings: TrainingSettings, chosen: Method) -> AsyncIterator[Assembly]:
    """The same with a method that was made elsewhere; see `assembled`."""
    if settings.generation_url:
        raise InvalidInput(
            f"generation_url: {chosen.name} teaches its concepts to a model in its own process; "
            "leave it out",
            reason="OPTION_CONFLICT",
            field="generation_url",
        )
    root = settings.artefacts or settings.memory / "artefacts"
    own = settings.model_copy(update={"generation": None})
    loop = asyncio.get_running_loop()

    def generating(profile: Profile, models: Models, embedder: LazyEmbedder) -> LazyGenerator:
        def load() -> Learner:
            spec = profile.generator
            return Learner(spec, profile.device, chosen, embedder.embed_images, loop)

        return LazyGenerator(profile.generator.directory.name, lambda: models.here(load))

    def tidy(user: str, store: ConceptStore) -> None:
        known.tidy(user, store)

    async def learner() -> Learner:
        return cast(Learner, await parts.generator.model.get())

    async with parts_of(own, generating, tidy) as parts, AsyncExitStack() as resources:
        known = Known(root, chosen, parts.embedder.name)
        folder = Profile.load(settings.profile, settings.weights).generator.directory
        pool = _pool(settings, parts.embedder, known)
        gathering = Gathering(parts.stages, pool, chosen.capabilities)
        limits = Limits(settings.max_trainings, settings.max_trainings_per_user)
        learning = Learning(known, learner, gathering, parts.stores)
        trainings = Trainings(known, learning, parts.stores, limits)
        resources.push_async_callback(trainings.close)
        assistant = TrainedAssistant(
            Personal(known, learner),
            parts.stages,
            parts.stores,
            known=known,
            trainings=trainings,
            gathering=gathering,
            base=folder,
        )
        assembly = parts.assembly(servicer.services(assistant))

        async def load() -> None:
            await assembly.load()
            await asyncio.to_thread(fingerprint_of, folder)  # now, and not in somebody's call
            trainings.start()

        yield replace(assembly, load=load)


@contextmanager
def local_server(
    memory: Path,
    *,
    user: str = "me",
    method: str,
    profile: str = "pocket",
    weights: Path | None = None,
) -> Iterator[str]:
    """The address of an assistant in this process; see `services.assistant.wiring.local_server`.

    Of the variables for servers, those that say where artefacts, negatives and the models of faces
    lie count here too.

    Args:
        memory: Folder of the memory.
        user: Whose memory it is, for a call that does not say.
        method: One that trains.
        profile: See `AssistantSettings`.
        weights: See there.

    Raises:
        InvalidInput, Refused: As `assembled`.
    """
    settings = LocalTrainingSettings(
        memory=memory,
        user=user,
        method=method,
        profile=profile,
        weights=weights,
        grace_s=0.5,
        artefacts=_named("KITH_ARTEFACTS"),
        negatives=_named("KITH_NEGATIVES"),
        faces=_named("KITH_FACES"),
    )
    with served_here(settings, assembled) as address:
        yield address


def _named(variable: str) -> Path | None:
    named = os.environ.get(variable)
    return Path(named) if named else None


def _pool(settings: TrainingSettings, embedder: LazyEmbedder, known: Known) -> Pool | None:
    if settings.negatives is None:
        return None
    if not settings.negatives.is_dir():
        raise InvalidInput(
            f"negatives: there is no folder {settings.negatives}; correct KITH_NEGATIVES",
            reason="FOLDER_MISSING",
            field="negatives",
        )
    return Pool(settings.negatives, embedder, known.root / "pools")
