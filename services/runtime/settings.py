"""What an operator may set on any server: one object, read once, from `KITH_*` variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """Settings every server shares; a service adds its own in a subclass.

    A value that can't be understood stops the start: pydantic's error names the variable. An empty
    variable is an unset one.
    """

    model_config = SettingsConfigDict(
        env_prefix="KITH_", env_ignore_empty=True, frozen=True, use_attribute_docstrings=True
    )

    host: str = "127.0.0.1"
    """Address to listen on. Without a tokens file anyone who reaches it is let in."""

    port: int = Field(default=7450, ge=0, le=65535)
    """TCP port; 0 takes a free one."""

    user: str = "me"
    """Whose memory a call without a name gets, on a server without tokens."""

    tokens_file: Path | None = None
    """Lines of `USER SHA256-OF-TOKEN`; with it, every call needs one of these bearer tokens. A
    changed file counts from the next call on."""

    tls_cert: Path | None = None
    """PEM file with this service's certificate chain; with it, callers must speak TLS."""

    tls_key: Path | None = None
    """PEM file with the private key of that certificate."""

    tls_client_ca: Path | None = None
    """PEM file; callers must show a certificate that is signed by one of these (mTLS)."""

    production: bool = False
    """No reflection: who calls has the contract already."""

    max_message_mib: int = Field(default=64, ge=1, le=64)
    """Largest request or response, in MiB; at most 64, since no caller sends or takes more."""

    max_calls: int = Field(default=256, ge=1)
    """Calls served at once, watchers included; more are refused with RESOURCE_EXHAUSTED."""

    grace_s: float = Field(default=10.0, ge=0)
    """Seconds that running calls are given to finish when the server stops."""

    max_connection_age_s: float | None = Field(default=None, gt=0)
    """Seconds after which a caller has to connect anew, so that it finds servers that came later;
    calls that run go on to their end. Unset: never. Of gRPC only."""

    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    """TCP port of the Prometheus metrics; unset: none are served."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least important lines that are logged; `info` has a line a call."""


class CallerSettings(ServerSettings):
    """Settings of a service that calls others."""

    tls_ca: Path | None = None
    """PEM file; the services this one calls must speak TLS, with a certificate signed by one of
    these. `tls_cert` is shown to those that ask for one."""


class StageSettings(ServerSettings):
    """Settings of a service that runs a model."""

    profile: str = "pocket"
    """Which models: `pocket` or `full`."""

    weights: Path | None = None
    """Folder with the models of the profile; unset for those that ship with Kith."""
