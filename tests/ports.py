"""Ports that nobody listens on."""

import socket

OFFSETS = (0, 1, 2, 3, 5, 10)
"""Of the services of `kith up` from its port on."""


def free_port() -> int:
    """A free one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def free_base() -> int:
    """One for `kith up`, with those of all its services free behind it."""
    while True:
        base = free_port()
        if base > 60000:
            continue
        try:
            for offset in OFFSETS:
                with socket.create_server(("127.0.0.1", base + offset)):
                    pass
        except OSError:
            continue
        return base
