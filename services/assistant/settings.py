"""What an operator may set on an assistant."""

from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from kith.local import default_memory
from services.runtime.engine import EngineSettings
from services.runtime.listed import Paired
from services.runtime.settings import CallerSettings, StageSettings

OPEN_MEMORIES: Final = 256


class AssistantSettings(StageSettings, EngineSettings, CallerSettings):
    """Settings of `kith serve`, from `KITH_*` variables where they are not given."""

    memory: Path = Field(default_factory=default_memory)
    """Folder of everybody's memory."""

    memory_url: str | None = None
    """A Qdrant server or cluster, as in `http://127.0.0.1:6333`, that keeps everybody's memory;
    unset: the folder does."""

    memory_key: SecretStr | None = None
    """The API key of that server."""

    photos: str | None = None
    """Where the photos are kept, as fsspec writes it (`s3://bucket/kith`, with `pip install
    "kith[s3]"`); unset: in the folder."""

    open_memories: int = Field(default=OPEN_MEMORIES, ge=1)
    """Memories that stay open while nobody uses them; beyond that the one asked for longest ago is
    closed. In a folder each takes about 60 memory maps, of which Linux gives a process 65,530."""

    method: str = "kith"
    """How concepts are known: `kith`, `rap` or `none`; or by training: `yollava-s`, `yollava-m`,
    `mc-llava` or `myvlm`."""

    further_methods: Paired[Annotated[int, Field(ge=1, le=65535)]] = Field(default_factory=dict)
    """Further methods over the same memory, and the port on which each is served, as in
    rap=7455."""

    detection: str | None = None
    """HOST:PORT of a detection service; unset: the detector runs in this process."""

    embedding: str | None = None
    """HOST:PORT of an embedding service; unset: the embedder runs in this process."""

    generation: str | None = None
    """HOST:PORT of a generation service; unset: this process answers, see `generation_url`."""

    service_token: SecretStr | None = None
    """Bearer token that is shown to those services; they never see their user's."""


class AloneSettings(AssistantSettings):
    """Settings of `kith serve assistant`, which runs no model."""

    detection: str = "127.0.0.1:7451"
    """HOST:PORT of the detection service."""

    embedding: str = "127.0.0.1:7452"
    """HOST:PORT of the embedding service."""

    generation: str = "127.0.0.1:7453"
    """HOST:PORT of the generation service."""


class LocalSettings(AssistantSettings):
    """Settings of an assistant inside a program, which no variable reaches."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given, and nothing else."""
        return (init_settings,)
