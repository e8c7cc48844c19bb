"""What an operator may set on an assistant."""

from pathlib import Path

from pydantic import Field

from kith.local import default_memory
from services.runtime.engine import EngineSettings


class AssistantSettings(EngineSettings):
    """Settings of `kith serve`, from `KITH_*` variables where they are not given."""

    memory: Path = Field(default_factory=default_memory)
    """Folder of everybody's memory."""

    method: str = "kith"
    """How concepts are found: "kith", "rap" or "none"."""

    profile: str = "pocket"
    """Which models: "pocket" or "full"."""

    weights: Path | None = None
    """Folder with the models of the profile; unset for those that ship with Kith."""

    detection: str | None = None
    """HOST:PORT of a detection service; unset: the detector runs in this process."""

    embedding: str | None = None
    """HOST:PORT of an embedding service; unset: the embedder runs in this process."""

    generation: str | None = None
    """HOST:PORT of a generation service; unset: this process answers, see `generation_url`."""
