"""Every error a server raises arrives as the same class, with its reason and field."""

import pytest

from kith.channel import MAX_MESSAGE_BYTES
from kith.client import Client
from kith.errors import (
    AlreadyExists,
    InvalidInput,
    KithError,
    NotFound,
    Overloaded,
    Refused,
    Stale,
    Unauthenticated,
    Unavailable,
)
from tests.kith.fake import FakeAssistant, overloaded

CLASSES = [
    InvalidInput,
    NotFound,
    AlreadyExists,
    Stale,
    Refused,
    Overloaded,
    Unavailable,
    Unauthenticated,
    KithError,
]


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_comes_back_as_it_was_raised(
    cls: type[KithError], client: Client, assistant: FakeAssistant
) -> None:
    assistant.fail_with = cls(
        "what: value; do this", reason="WHY", field="what", metadata={"a": "b"}
    )
    with pytest.raises(cls) as caught:
        client.list_concepts()
    error = caught.value
    assert type(error) is cls
    assert str(error) == "what: value; do this"
    assert (error.reason, error.field, error.metadata) == ("WHY", "what", {"a": "b"})


def test_a_full_queue_says_when_to_try_again(client: Client, assistant: FakeAssistant) -> None:
    assistant.fail_with = overloaded()
    with pytest.raises(Overloaded) as caught:
        client.retrieve(b"photo")
    assert caught.value.retry_after_s == 2.5


def test_an_error_in_a_stream_is_translated_too(client: Client, assistant: FakeAssistant) -> None:
    assistant.fail_with = Refused("watch: too old a token", reason="WATCH_FELL_BEHIND")
    with pytest.raises(Refused, match="too old"):
        list(client.watch())
    with pytest.raises(Refused):
        client.ask("?")


def test_an_answer_that_takes_too_long_is_given_up(assistant: FakeAssistant, address: str) -> None:
    assistant.delay_s = 0.5
    with (
        Client(address, timeout_s=0.1) as kith,
        pytest.raises(Unavailable, match=rf"no answer from {address} within 0\.1 s"),
    ):
        kith.list_concepts()


def test_photos_too_large_for_a_message_are_refused_here(client: Client) -> None:
    half = b"\0" * (MAX_MESSAGE_BYTES // 2)
    with pytest.raises(InvalidInput, match="send fewer or smaller photos"):
        client.remember("bo", [half, half])
