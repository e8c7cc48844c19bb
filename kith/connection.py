"""What the two clients share: where to call, as whom, and what a failed call means."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
from google.longrunning.operations_pb2_grpc import OperationsStub

from kith.channel import MAX_MESSAGE_BYTES, channel_options
from kith.errors import InvalidInput, KithError, Unavailable
from kith.status import FailedCall, from_rpc_error
from kith.v1.assistant_pb2_grpc import AssistantStub
from kith.verbs.calls import Call, Service

USER_KEY: Final = "kith-user"
"""Metadata that names the user on a server without tokens."""

OPTIONS: Final = channel_options(20_000, 10_000)
"""A server that vanished under a call, maybe far away, is given up in half a minute."""


def stubs(channel: grpc.Channel | grpc.aio.Channel) -> Mapping[Service, Any]:
    """What calls the services of a server, by their names."""
    return {"Assistant": AssistantStub(channel), "Operations": OperationsStub(channel)}


# What gRPC says of a handshake that failed, or of a certificate for another name.
_TLS_FAILED: Final = re.compile(r"[Hh]andshake|SSL_|CERTIFICATE|verification check")

# What it says when a connection ends under a call, or a server that stops takes no more of them.
_BROKEN_OFF: Final = re.compile("Cancelling all calls|CANCELLED|Socket closed|reset by peer")


@dataclass(frozen=True)
class Target:
    """A server and the credential to call it with."""

    address: str
    user: str | None
    token: str | None
    timeout_s: float
    """How long a call may take before it is given up."""
    tls_ca: str | Path | None = None
    """PEM file of the authorities that may vouch for the server; None for a call in the clear."""
    tls_cert: str | Path | None = None
    """PEM file of the certificate shown to a server that asks for one."""
    tls_key: str | Path | None = None
    """PEM file of its private key."""

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What a channel to it trusts and shows; None for one in the clear.

        Raises:
            InvalidInput: A file can't be read, or one is missing.
        """
        if self.address.startswith("unix:"):
            return None
        if self.tls_ca is None:
            if self.tls_cert or self.tls_key:
                raise _refusal("tls_ca", "is missing; name the authorities' PEM file too")
            return None
        if (self.tls_cert is None) != (self.tls_key is None):
            missing = "tls_key" if self.tls_key is None else "tls_cert"
            raise _refusal(missing, "is missing; a certificate and its key are named together")
        return grpc.ssl_channel_credentials(
            self._read("tls_ca"), self._read("tls_key"), self._read("tls_cert")
        )

    def _read(self, field: str) -> bytes | None:
        path = getattr(self, field)
        try:
            return Path(path).read_bytes() if path is not None else None
        except OSError as error:
            what = f"{path} can't be read ({type(error).__name__}); name a PEM file"
            raise _refusal(field, what) from error

    @property
    def options(self) -> tuple[tuple[str, int], ...]:
        """Options of a channel to it."""
        # A proxy of the environment can't reach what listens on this machine only.
        host = self.address.rpartition(":")[0]
        near = host in ("localhost", "127.0.0.1", "[::1]") or self.address.startswith("unix:")
        return (*OPTIONS, ("grpc.enable_http_proxy", 0)) if near else OPTIONS

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        if self.token is not None:
            return (("authorization", f"Bearer {self.token}"),)
        return ((USER_KEY, self.user),) if self.user is not None else ()

    def deadline_s(self, call: Call) -> float | None:
        """How long `call` may take.

        Raises:
            InvalidInput: Its request is larger than a message may be.
        """
        size = getattr(call.request, "ByteSize", int)()
        if size > MAX_MESSAGE_BYTES:
            raise InvalidInput(
                f"images: {size} bytes together, at most {MAX_MESSAGE_BYTES} can be sent at once; "
                "send fewer or smaller photos",
                reason="REQUEST_TOO_MANY_BYTES",
                field="images",
            )
        return None if call.patient else self.timeout_s

    def error(self, failed: FailedCall) -> KithError:
        """The error that a failed call stands for."""
        error = from_rpc_error(failed)
        if error.reason == "RPC_UNAVAILABLE":
            what = self._unreached(failed.details() or "")
        elif error.reason == "RPC_DEADLINE_EXCEEDED":
            what = f"no answer from {self.address} within {self.timeout_s:g} s"
        else:
            return error
        return Unavailable(f"server: {what}", reason=error.reason, field="server")

    def _unreached(self, details: str) -> str:
        """Why there is no connection, as far as gRPC's words tell."""
        dropped = details.startswith("failed to connect") and (
            "Socket closed" in details or "reset by peer" in details
        )
        if _TLS_FAILED.search(details) or (dropped and self.tls_ca is not None):
            return (
                f"the secure connection to {self.address} failed; see tls_ca, tls_cert and tls_key"
            )
        if dropped:
            return f"{self.address} hangs up on a call in the clear; if it speaks TLS, name tls_ca"
        if _BROKEN_OFF.search(details) and not details.startswith("failed to connect"):
            return (
                f"{self.address} has stopped during the call; once it is back, see whether it was "
                "carried out, and ask again if not"
            )
        return f"nobody answers at {self.address}; is 'kith serve' running there?"


def _refusal(field: str, what: str) -> InvalidInput:
    return InvalidInput(f"{field}: {what}", reason="TLS_INVALID", field=field)
