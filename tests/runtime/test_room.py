"""What requests hold of decoded pictures has a limit, and is counted until nobody holds them."""

import asyncio
import io

import pytest
from PIL import Image

from kith.errors import InvalidInput, Overloaded
from kith.v1 import common_pb2
from services.runtime import wire
from services.runtime.room import Room


def png(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((width, height), 60).convert("RGB").save(buffer, "PNG")
    return buffer.getvalue()


def test_pictures_count_for_as_long_as_they_are_held() -> None:
    room = Room(pixels=250)
    held = room.decode_all({"images[0]": png(10, 10), "images[1]": png(10, 10)}, "one")
    with pytest.raises(Overloaded) as refused:
        room.decode_all({"images[0]": png(10, 6)}, "another")
    assert refused.value.reason == "PICTURES_FILL_MEMORY"
    held.pop()
    assert room.decode_all({"images[0]": png(10, 6)}, "another")[0].size == (10, 6)


def test_what_alone_is_more_than_there_is_room_for_is_let_in_alone() -> None:
    room = Room(pixels=50)
    held = room.decode_all({"images[0]": png(10, 10)}, "one")
    held += room.decode_all({"images[0]": png(10, 10)}, "one")
    with pytest.raises(Overloaded):
        room.decode_all({"images[0]": png(1, 1)}, "another")
    del held
    assert room.decode_all({"images[0]": png(1, 1)}, "another")


def test_a_picture_that_is_refused_takes_no_room() -> None:
    room = Room(pixels=250)
    for _ in range(5):
        with pytest.raises(InvalidInput):
            room.decode_all({"images[0]": png(10, 10), "images[1]": png(10, 10)[:-50]}, "one")
    assert room.decode_all({"images[0]": png(10, 25)}, "another")


def test_nothing_is_kept_of_who_brings_nothing_or_has_gone() -> None:
    room = Room(pixels=50)
    held = room.decode_all({"images[0]": png(10, 10)}, "one")
    assert room.decode_all({}, "a text alone, while the room is full") == []
    del held
    assert not room._held


async def test_calls_share_the_room_and_the_parts_of_a_call_do_not_wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire, "ROOM", Room(pixels=100))

    async def call() -> list[Image.Image]:
        picture = common_pb2.Image(data=png(10, 10))
        return [await wire.read_image(picture, field="photo") for _ in range(2)]

    held = await asyncio.create_task(call())
    with pytest.raises(Overloaded):
        await asyncio.create_task(call())
    held.clear()
    assert await asyncio.create_task(call())
