"""Messages of the contract that nobody would write: every field set at random, or random bytes."""

import random
from collections.abc import Callable, Iterator
from typing import Any, Final

from google.longrunning import operations_pb2
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from kith.v1 import (
    assistant_pb2,
    common_pb2,
    datagen_pb2,
    detection_pb2,
    embedding_pb2,
    evaluation_pb2,
    generation_pb2,
)

WORDS: Final = (
    "",
    "bo",
    "users/me",
    "users/me/concepts/-",
    "users/me/concepts/1f3a",
    "users/me/concepts/1f3a/views/2b",
    "users/other/concepts/1f3a",
    "display_name",
    "<image>",
    "</s> USER: <bo>",
    "\u202egnp.exe",
    "\ud7ff\U0010ffff\x00",
    "a" * 2001,
    "%s%n{0}{{",
    "../../etc/passwd",
    "5f0c7c9e-6d3a-4f4b-9a53-0d3b8f6b2c11",
    "AAAA====",
    "null",
    "-1",
)

_NUMBERS: Final = (0, 1, -1, 2, 7, 127, 1000, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))
_FLOATS: Final = (0.0, 1.0, -1.0, 0.5, 1e-45, 3e38, float("inf"), float("-inf"), float("nan"))
_DEEPEST: Final = 5


SERVED: Final = {
    "assistant": (assistant_pb2, detection_pb2, embedding_pb2, generation_pb2),
    "datagen": (datagen_pb2, operations_pb2),
    "evaluation": (evaluation_pb2, operations_pb2),
}
"""The files of the services that each process serves."""


def methods(process: str) -> Iterator[MethodDescriptor]:
    """Every call that it serves."""
    for file in SERVED[process]:
        for service in file.DESCRIPTOR.services_by_name.values():
            yield from service.methods


class Writer:
    """Writes messages, a half of them wild, and a half such that most of the rules are kept.

    Args:
        rng: What decides.
        names: Words that mean something to the server: a half of all texts is one of them.
        pictures: What stands in bytes, now and then.
    """

    def __init__(self, rng: random.Random, names: list[str], pictures: list[bytes]) -> None:
        self._rng = rng
        self._names = names
        self._pictures = pictures
        self._is_mild = rng.random() < 0.5

    def wire(self, method: MethodDescriptor) -> bytes:
        """A request as it travels: mostly a message, damaged at times, else just bytes."""
        written = self.message(GetMessageClass(method.input_type)()).SerializeToString()
        if self._is_mild or self._rng.random() < 0.6:
            return written
        data = bytearray(written or b"\x00")
        for _ in range(self._rng.randrange(1, 6)):
            data[self._rng.randrange(len(data))] = self._rng.randrange(256)
        return bytes(data) if self._rng.random() < 0.5 else self._rng.randbytes(40)

    def message(self, message: Message, depth: int = 0) -> Message:
        """`message`, with most of its fields set to anything."""
        if self._is_mild and message.DESCRIPTOR.name == "Box":
            message.MergeFrom(common_pb2.Box(x1=1, y1=1, x2=20, y2=20))
            return message
        chosen = {}  # a later field of the same choice would undo an earlier one
        for field in message.DESCRIPTOR.fields:
            if self._rng.random() < (0.9 if self._is_mild else 0.75) and depth < _DEEPEST:
                chosen[field.containing_oneof or field] = field
        for field in chosen.values():
            self._set(message, field, depth)
        return message

    def _set(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        if field.message_type and field.message_type.GetOptions().map_entry:
            return
        if field.is_repeated:
            into = getattr(message, field.name)
            for _ in range(1 if self._is_mild else self._rng.choice((0, 1, 1, 2, 17))):
                if field.message_type:
                    self.message(into.add(), depth + 1)
                else:
                    into.append(self._value(field))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            self.message(getattr(message, field.name), depth + 1)
        else:
            setattr(message, field.name, self._value(field))

    def _value(self, field: FieldDescriptor) -> Any:  # noqa: ANN401 - of the field's type
        if self._is_mild and field.cpp_type != FieldDescriptor.CPPTYPE_STRING:
            return 1
        makes: dict[int, Callable[[], object]] = {
            FieldDescriptor.CPPTYPE_STRING: lambda: self._text(field),
            FieldDescriptor.CPPTYPE_BOOL: lambda: self._rng.random() < 0.5,
            FieldDescriptor.CPPTYPE_ENUM: lambda: self._rng.choice((0, 1, 1, 2, 99)),
            FieldDescriptor.CPPTYPE_FLOAT: self._float,
            FieldDescriptor.CPPTYPE_DOUBLE: self._float,
        }
        return makes.get(field.cpp_type, lambda: self._number(field))()

    def _text(self, field: FieldDescriptor) -> str | bytes:
        if self._is_mild and (likely := self._likely(field)):
            return likely
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._rng.choice((b"", b"\x00", self._rng.randbytes(30), *self._pictures))
        if field.name == "parent" and self._rng.random() < 0.8:
            return "users/me"
        return self._rng.choice(self._names if self._rng.random() < 0.5 else WORDS)

    def _likely(self, field: FieldDescriptor) -> str | bytes:
        """What the rules of such a field allow."""
        if field.type == FieldDescriptor.TYPE_BYTES:
            return self._rng.choice(self._pictures)
        if field.name == "paths":
            return self._rng.choice(("category", "description", "display_name"))
        if field.name == "display_name":
            return f"n{self._rng.randrange(10**6)}"
        depth = {"parent": 1, "name": 3, "concepts": 3, "concept": 3, "view": 5, "views": 5}
        if slashes := depth.get(field.name):
            there = [name for name in self._names if name.count("/") in (slashes, slashes + 2)]
            return self._rng.choice(there)
        return "" if field.name == "etag" else "dog" * (field.name in ("category", "text"))

    def _float(self) -> float:
        return self._rng.choice((*_FLOATS, self._rng.uniform(0, 100)))

    def _number(self, field: FieldDescriptor) -> int:
        wide = field.cpp_type in (FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64)
        bits, signed = 64 if wide else 32, "UINT" not in _TYPES[field.cpp_type]
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        return min(max(self._rng.choice(_NUMBERS), low), high)


_TYPES: Final = {
    FieldDescriptor.CPPTYPE_INT32: "INT32",
    FieldDescriptor.CPPTYPE_INT64: "INT64",
    FieldDescriptor.CPPTYPE_UINT32: "UINT32",
    FieldDescriptor.CPPTYPE_UINT64: "UINT64",
}
