"""What an operator may set on a gateway."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints

from services.runtime.listed import Listed, Paired
from services.runtime.settings import CallerSettings

Host = Annotated[str, StringConstraints(pattern=r"^[\w.-]+$", to_lower=True)]
Origin = Annotated[str, StringConstraints(pattern=r"^https?://[^/\s]+$", to_lower=True)]
Address = Annotated[str, StringConstraints(pattern=r"^[^/\s]+:[0-9]+$")]


class GatewaySettings(CallerSettings):
    """Settings of `kith serve gateway`, from `KITH_*` variables where they are not given.

    A gateway passes each caller's credential on, and the assistant decides whose it is.
    """

    port: int = Field(default=7460, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    assistant: str = "127.0.0.1:7450"
    """HOST:PORT of the assistant that keeps the memory."""

    assistants: Paired[Address] = Field(default_factory=dict)
    """Methods and HOST:PORT of further assistants for chats, as in
    rap=127.0.0.1:7455,myvlm=127.0.0.1:7457."""

    tokens_file: Path | None = None
    """Not read by the gateway: that of its assistant says who may call."""

    timeout_s: float = Field(default=120.0, gt=0)
    """Seconds the assistant is given for an answer."""

    hosts: Listed[Host] = ()
    """Names under which the gateway may be called, as in kith.example,kith.local; localhost and any
    literal address need none."""

    origins: Listed[Origin] = ()
    """Origins whose pages may call the gateway from a browser besides its own page, as in
    https://chat.example,https://notes.example."""

    upload_ttl_s: float = Field(default=600.0, gt=0)
    """Seconds an uploaded photo is kept."""

    uploads_mib_per_user: int = Field(default=64, ge=1)
    """Uploaded photos kept for one user at a time, in MiB."""

    uploads_mib: int = Field(default=512, ge=1)
    """Uploaded photos kept for everybody together, in MiB."""
