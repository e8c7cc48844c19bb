"""What an operator may set on a gateway."""

from pydantic import Field

from services.runtime.settings import CallerSettings


class GatewaySettings(CallerSettings):
    """Settings of `kith serve gateway`, from `KITH_*` variables where they are not given.

    A gateway passes each caller's credential on, and the assistant decides whose it is: it reads
    no `tokens_file`. Its metrics are at /metrics, on its own port.
    """

    port: int = Field(default=7460, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    assistant: str = "127.0.0.1:7450"
    """HOST:PORT of the assistant that keeps the memory."""

    assistants: dict[str, str] = Field(default_factory=dict)
    """Methods to HOST:PORT of further assistants for chats, as in {"rap": "127.0.0.1:7455"}."""

    timeout_s: float = Field(default=120.0, gt=0)
    """Seconds the assistant is given for an answer."""

    hosts: tuple[str, ...] = ()
    """Names under which the gateway may be called. Empty: on a loopback address that address and
    localhost, elsewhere any."""

    origins: tuple[str, ...] = ()
    """Origins such as https://chat.example whose pages may call the gateway from a browser, besides
    its own page."""

    upload_ttl_s: float = Field(default=600.0, gt=0)
    """Seconds an uploaded photo is kept."""

    uploads_mib_per_user: int = Field(default=64, ge=1)
    """Uploaded photos kept for one user at a time, in MiB."""

    uploads_mib: int = Field(default=512, ge=1)
    """Uploaded photos kept for everybody together, in MiB."""
