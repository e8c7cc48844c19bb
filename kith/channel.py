"""What a channel to a server of Kith's is set to, whoever opens it: a client or another service."""

from typing import Final

MAX_MESSAGE_BYTES: Final = 64 * 1024 * 1024
"""What one message may hold; a server refuses larger ones unread. Its limits for a photo are
narrower, and it checks those itself."""


def channel_options(asked_every_ms: int, gone_after_ms: int) -> tuple[tuple[str, int], ...]:
    """Options for gRPC, on which a server that went away, and one that is back, are noticed soon.

    Args:
        asked_every_ms: How often a server is asked whether it is still there, while it is called.
        gone_after_ms: How long it may take to say so before the call is given up.
    """
    return (
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        # A server that is back is found within seconds; left alone, gRPC waits up to two minutes.
        ("grpc.max_reconnect_backoff_ms", 2000),
        # So is one whose machine went away without a word: TCP would wait for it for a quarter of
        # an hour, and every call on that connection until its deadline. gRPC asks whether it is
        # there for reasons of its own, too; left alone, it waits a minute for the answer to that.
        ("grpc.keepalive_time_ms", asked_every_ms),
        ("grpc.keepalive_timeout_ms", gone_after_ms),
        ("grpc.http2.ping_timeout_ms", gone_after_ms),
    )
