"""The socket of the gateway."""

import socket

from services.gateway.serve import listening
from services.gateway.settings import GatewaySettings


def test_an_answer_of_several_pieces_does_not_wait_for_the_caller() -> None:
    with (
        listening(GatewaySettings(port=0)) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
