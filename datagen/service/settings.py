"""What an operator may set on the service that makes datasets."""

from pathlib import Path

from pydantic import Field, SecretStr

from kith.local import data_folder
from services.runtime.listed import Paired
from services.runtime.settings import CallerSettings


class DatagenSettings(CallerSettings):
    """Settings of `kith serve datagen`, from `KITH_*` variables where they are not given."""

    port: int = Field(default=7456, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    datagen_dir: Path = Field(default_factory=lambda: data_folder() / "kith-datagen")
    """Folder of everybody's seed sets, datasets and jobs, and of your own layouts, as
    `layouts/NAME.yaml`. Several servers may share one."""

    max_jobs: int = Field(default=16, ge=1)
    """Datasets that may wait for their turn, the one being drawn included; more are refused with
    RESOURCE_EXHAUSTED."""

    models: Path | None = None
    """Folder of MS-Diffusion's models; unset: the service draws with Playroom only."""

    pool: Path | None = None
    """Folder of photos among which negatives are looked for; unset: it mines none."""

    category_pools: Paired[Path] = Field(default_factory=dict)
    """Categories and folders of further photos of each, as in person=/data/faces."""

    embedding: str = "127.0.0.1:7452"
    """HOST:PORT of the embedding service, which negatives need."""

    service_token: SecretStr | None = None
    """Bearer token that is shown to that service."""

    sam: Path | None = None
    """Folder of a SAM, as model hubs publish it; unset: the service makes no masks."""
