"""Calling another service: the channel, and what a failed call means."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import grpc

from kith.errors import Unavailable
from kith.status import from_rpc_error

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024


def open_channel(address: str) -> grpc.aio.Channel:
    """A channel to HOST:PORT. It connects on first use and belongs to the running event loop."""
    return grpc.aio.insecure_channel(
        address,
        options=[
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
            ("grpc.enable_http_proxy", 0),
        ],
    )


@contextmanager
def calling(service: str) -> Iterator[None]:
    """Raises the `KithError` that `service` raised for a call made inside.

    Raises:
        Unavailable: Nobody answers, or not in time.
    """
    try:
        yield
    except grpc.aio.AioRpcError as failed:
        error = from_rpc_error(failed)
        if error.reason == "RPC_UNAVAILABLE":
            what = f"{service}: the service can't be reached; start it or correct its address"
            raise Unavailable(what, reason="SERVICE_UNREACHABLE") from failed
        if error.reason == "RPC_DEADLINE_EXCEEDED":
            what = f"{service}: no answer in time; try again"
            raise Unavailable(what, reason="SERVICE_TOO_SLOW") from failed
        raise error from failed
