"""Certificates: who a service is, and whom it trusts. Without any, calls are in the clear."""

import ssl
from pathlib import Path

import grpc

from kith.errors import Refused
from services.runtime.settings import CallerSettings, ServerSettings


def server_credentials(settings: ServerSettings) -> grpc.ServerCredentials | None:
    """What a server shows, and asks of its callers; None for one without certificates.

    Raises:
        Refused: A file is missing or can't be read as what it should be.
    """
    if settings.tls_cert is None:
        if settings.tls_key or settings.tls_client_ca:
            raise _refusal("tls_cert", "is missing; name the file of this service's certificate")
        return None
    pair = _own_pair(settings)
    if settings.tls_client_ca is None:
        return grpc.ssl_server_credentials([pair])
    trusted = _trusted(settings.tls_client_ca, "tls_client_ca")
    return grpc.ssl_server_credentials([pair], trusted, require_client_auth=True)


def channel_credentials(settings: CallerSettings) -> grpc.ChannelCredentials | None:
    """What a caller trusts, and shows to those who ask; None for calls in the clear.

    Raises:
        Refused: As `server_credentials`.
    """
    if settings.tls_ca is None:
        return None
    trusted = _trusted(settings.tls_ca, "tls_ca")
    if settings.tls_cert is None:
        return grpc.ssl_channel_credentials(trusted)
    key, chain = _own_pair(settings)
    return grpc.ssl_channel_credentials(trusted, key, chain)


def _own_pair(settings: ServerSettings) -> tuple[bytes, bytes]:
    """Private key and certificate chain, which belong together."""
    if settings.tls_cert is None or settings.tls_key is None:
        raise _refusal("tls_key", "is missing; name the file of the certificate's private key")
    try:
        # gRPC would take anything, and then fail every handshake.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(settings.tls_cert, settings.tls_key)
        return settings.tls_key.read_bytes(), settings.tls_cert.read_bytes()
    except (OSError, ssl.SSLError) as error:
        what = f"{settings.tls_cert} and {settings.tls_key} are no certificate and its key"
        raise _refusal("tls_cert", f"{what}: {error}") from error


def _trusted(path: Path, field: str) -> bytes:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
        return path.read_bytes()
    except (OSError, ssl.SSLError) as error:
        raise _refusal(field, f"{path} holds no certificates: {error}") from error


def _refusal(field: str, what: str) -> Refused:
    return Refused(f"{field}: {what}", reason="TLS_INVALID", field=field)
