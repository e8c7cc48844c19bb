"""What an operator may set on an assistant whose method trains."""

from pathlib import Path

from pydantic import Field

from services.assistant.settings import AloneSettings, AssistantSettings, LocalSettings


class TrainingSettings(AssistantSettings):
    """Settings of `kith serve` with a method that trains, from `KITH_*` variables."""

    artefacts: Path | None = None
    """Folder of what is learned of everybody's concepts, by methods that train; unset: `artefacts`
    in the memory's folder."""

    negatives: Path | None = None
    """Folder of pictures among which a training looks for those that do not show the concept, where
    a request brings none; only for methods that train."""

    faces: Path | None = None
    """Folder of insightface's `buffalo_l`, by which `myvlm` tells people apart; unset: as it does
    things."""

    max_trainings: int = Field(default=16, ge=1)
    """Trainings that may wait, the running one included; more are refused with
    RESOURCE_EXHAUSTED."""

    max_trainings_per_user: int = Field(default=8, ge=1)
    """The same for one user."""


class AloneTrainingSettings(AloneSettings, TrainingSettings):
    """Settings of `kith serve assistant` with a method that trains: its base model runs there."""


class LocalTrainingSettings(LocalSettings, TrainingSettings):
    """Settings of such an assistant inside a program."""
