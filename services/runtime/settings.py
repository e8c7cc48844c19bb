"""What an operator may set on any server: one object, read once, from `KITH_*` variables."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """Settings every server shares; a service adds its own in a subclass.

    A value that can't be understood stops the start: pydantic's error names the variable.
    """

    model_config = SettingsConfigDict(env_prefix="KITH_", frozen=True)

    host: str = "127.0.0.1"
    """Address to listen on. Without a tokens file anyone who reaches it is let in."""

    port: int = Field(default=7450, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    user: str = "me"
    """Whose memory a call without a name gets, on a server without tokens."""

    tokens_file: Path | None = None
    """Lines of `USER SHA256-OF-TOKEN`; with it, every call needs one of these bearer tokens."""

    max_message_mib: int = Field(default=64, ge=1, le=1024)
    """Largest request or response, in MiB."""

    grace_s: float = Field(default=10.0, ge=0)
    """Seconds that running calls are given to finish when the server stops."""
