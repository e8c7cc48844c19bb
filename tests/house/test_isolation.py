"""A test sees neither the network nor the settings of whoever runs it."""

import os
import socket
from pathlib import Path

import pytest


def test_a_connection_that_leaves_the_machine_fails_the_test() -> None:
    with (
        socket.socket() as connection,
        pytest.raises(pytest.fail.Exception, match=r"203\.0\.113\.1"),
    ):
        connection.connect(("203.0.113.1", 443))


def test_a_connection_on_this_machine_is_let_through() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()


def test_home_is_empty_and_settings_are_unset() -> None:
    assert not list(Path.home().iterdir())
    assert not [name for name in os.environ if name.startswith("KITH_")]
