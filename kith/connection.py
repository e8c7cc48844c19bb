"""What the two clients share: where to call, as whom, and what a failed call means."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import grpc

from kith.errors import InvalidInput, KithError, Unavailable
from kith.photos import MAX_MESSAGE_BYTES
from kith.status import FailedCall, from_rpc_error
from kith.verbs.calls import Call

USER_KEY: Final = "kith-user"
"""Metadata that names the user on a server without tokens."""

OPTIONS: Final = (
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    # A server that is back is found within seconds; left alone, gRPC waits up to two minutes.
    ("grpc.max_reconnect_backoff_ms", 2000),
)


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

    @property
    def credentials(self) -> grpc.ChannelCredentials | None:
        """What a channel to it trusts; None for one in the clear.

        Raises:
            InvalidInput: The file can't be read.
        """
        if self.tls_ca is None or self.address.startswith("unix:"):
            return None
        try:
            return grpc.ssl_channel_credentials(Path(self.tls_ca).read_bytes())
        except OSError as error:
            raise InvalidInput(
                f"tls_ca: {self.tls_ca} can't be read ({type(error).__name__}); name a PEM file",
                reason="TLS_INVALID",
                field="tls_ca",
            ) from error

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
            what = f"nobody answers at {self.address}; is 'kith serve' running there?"
        elif error.reason == "RPC_DEADLINE_EXCEEDED":
            what = f"no answer from {self.address} within {self.timeout_s:g} s"
        else:
            return error
        return Unavailable(f"server: {what}", reason=error.reason, field="server")
