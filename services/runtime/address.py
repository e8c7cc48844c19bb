"""Addresses: how they are written, and whether one is free."""

import socket
from urllib.parse import urlsplit

from kith.errors import Refused


def written(host: str, port: int) -> str:
    """HOST:PORT, with the brackets that an IPv6 host needs."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def refuse_taken(address: str, name: str) -> None:
    """Makes sure that a service can listen on HOST:PORT, or where a URL says.

    Args:
        address: Where it is to listen.
        name: Of the service.

    Raises:
        Refused: Somebody else listens there, or the address is not this machine's.
    """
    place = urlsplit(address if "//" in address else f"//{address}")
    host, port = place.hostname or "", place.port or 0
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        raise Refused(
            f"port: {name} can't listen on {written(host, port)} ({error.strerror}); stop what "
            "runs there, or choose another --port or --host",
            reason="PORT_UNAVAILABLE",
            field="port",
        ) from error
