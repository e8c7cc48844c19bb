"""Pictures, boxes and chats between the contract's messages and Python, once for all services."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from PIL.Image import Image

from kith.v1 import common_pb2
from services.runtime import images
from services.runtime.room import ROOM, this_request
from services.runtime.types import Box, Ending, FinishReason, Limits, Role, Turn

_MAX_IMAGES: Final = 256
_MAX_BYTES: Final = 32 * 1024 * 1024
"""Of pictures in a request: half of what a message may have."""

_ROLES: Final[dict[Role, common_pb2.Role.ValueType]] = {
    "user": common_pb2.ROLE_USER,
    "assistant": common_pb2.ROLE_ASSISTANT,
}
_REASONS: Final = {
    FinishReason.STOP: common_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: common_pb2.FINISH_REASON_LENGTH,
}


async def read_image(message: common_pb2.Image, *, field: str) -> Image:
    """The upright RGB picture, decoded off the event loop.

    Raises:
        InvalidInput, Overloaded: As `Room.decode_all`.
    """
    (picture,) = await read_images({field: message})
    return picture


async def read_images(messages: Mapping[str, common_pb2.Image]) -> list[Image]:
    """The pictures of one request by their fields, in order, decoded off the event loop.

    Raises:
        InvalidInput, Overloaded: As `Room.decode_all`.
    """
    files = {field: message.data for field, message in messages.items()}
    return await asyncio.to_thread(ROOM.decode_all, files, this_request())


async def write_image(image: Image) -> common_pb2.Image:
    """The picture, encoded off the event loop."""
    return common_pb2.Image(data=await asyncio.to_thread(images.encode_for_a_hop, image))


def in_requests(
    pictures: Sequence[Image], messages: Sequence[common_pb2.Image]
) -> Iterator[list[common_pb2.Image]]:
    """Pictures that were written as `messages`, in order, in parts that each fit into a request."""
    part: list[common_pb2.Image] = []
    size = pixels = 0
    for picture, message in zip(pictures, messages, strict=True):
        more = picture.width * picture.height
        full = len(part) == _MAX_IMAGES or size + len(message.data) > _MAX_BYTES
        if part and (full or pixels + more > images.MAX_REQUEST_PIXELS):
            yield part
            part, size, pixels = [], 0, 0
        part.append(message)
        size += len(message.data)
        pixels += more
    if part:
        yield part


def read_box(message: common_pb2.Box) -> Box:
    """The box, in pixels."""
    return message.x1, message.y1, message.x2, message.y2


def write_box(box: Box) -> common_pb2.Box:
    """The box, in pixels."""
    x1, y1, x2, y2 = box
    return common_pb2.Box(x1=x1, y1=y1, x2=x2, y2=y2)


async def read_turns(messages: Sequence[common_pb2.Turn], *, field: str) -> list[Turn]:
    """The turns of a chat, their pictures decoded.

    Raises:
        InvalidInput, Overloaded: As `Room.decode_all`.
    """
    sent = {
        f"{field}[{i}].parts[{j}].image": part.image
        for i, message in enumerate(messages)
        for j, part in enumerate(message.parts)
        if part.HasField("image")
    }
    pictures = iter(await read_images(sent))
    roles: dict[int, Role] = {message: role for role, message in _ROLES.items()}
    return [
        Turn(
            roles[message.role],
            tuple(next(pictures) if p.HasField("image") else p.text for p in message.parts),
        )
        for message in messages
    ]


async def write_turns(turns: Sequence[Turn]) -> list[common_pb2.Turn]:
    """The turns of a chat, their pictures encoded; empty texts are left out."""
    messages = []
    for turn in turns:
        message = common_pb2.Turn(role=_ROLES[turn.role])
        for part in turn.parts:
            if isinstance(part, Image):
                message.parts.add(image=await write_image(part))
            elif part:
                message.parts.add(text=part)
        messages.append(message)
    return messages


def read_limits(message: common_pb2.Limits) -> Limits:
    """The limits of an answer, with the contract's defaults for what is left out."""
    default = Limits()
    return Limits(
        message.max_tokens if message.HasField("max_tokens") else default.max_tokens,
        message.temperature,
        tuple(message.stop),
    )


def write_limits(limits: Limits) -> common_pb2.Limits:
    """The limits of an answer."""
    return common_pb2.Limits(
        max_tokens=limits.max_tokens, temperature=limits.temperature, stop=limits.stop
    )


def read_ending(reason: common_pb2.FinishReason.ValueType, usage: common_pb2.Usage) -> Ending:
    """How an answer ended."""
    reasons = {message: reason for reason, message in _REASONS.items()}
    return Ending(
        reasons[reason], usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens
    )


def write_ending(ending: Ending) -> tuple[common_pb2.FinishReason.ValueType, common_pb2.Usage]:
    """How an answer ended and what it cost."""
    usage = common_pb2.Usage(
        prompt_tokens=ending.prompt_tokens,
        completion_tokens=ending.completion_tokens,
        cached_tokens=ending.cached_tokens,
    )
    return _REASONS[ending.reason], usage
