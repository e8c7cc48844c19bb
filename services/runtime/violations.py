"""What a caller is told whose message breaks a rule of its `.proto`: field, value, next step."""

from collections.abc import Sized
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from protovalidate import Violation

from kith.errors import InvalidInput

_LONGEST: Final = 60
"""Characters of a refused text that its error repeats."""


def refusal(message: Message, violation: Violation) -> InvalidInput:
    """The error of one violation, as in "limit: -4 must be at least 0; correct it".

    Args:
        message: What was sent.
        violation: Of protovalidate. Of its value a text is repeated, cut to its beginning; of bytes
            and lists is told how many, and of messages only those of numbers alone, such as boxes.
    """
    path = violation.proto.field
    field = _name(path)
    said = _said(violation, _Place(message, path))
    return InvalidInput(
        f"{field}: {said}" if field else said, reason="FIELD_INVALID", field=field or None
    )


class _Place:
    """What the contract knows of the field at the end of a path."""

    enum: EnumDescriptor | None = None
    choices: tuple[str, ...] = ()
    """Of a oneof, the names of its fields."""

    def __init__(self, message: Message, path: Any) -> None:  # noqa: ANN401 - see _name
        inner: Any = message.DESCRIPTOR  # upb's has a type of its own
        for element in path.elements if path else ():
            if element.field_name in inner.oneofs_by_name:
                oneof = inner.oneofs_by_name[element.field_name]
                self.choices = tuple(field.name for field in oneof.fields)
                return
            field = inner.fields_by_name[element.field_name]
            inner, self.enum = field.message_type, field.enum_type


def _said(violation: Violation, place: _Place) -> str:
    rule, value = violation.proto.rule_id, violation.field_value
    if place.choices:
        return f"is missing; give exactly one of {', '.join(place.choices)}"
    if place.enum is not None and rule.startswith("enum."):
        known = ", ".join(one.name for one in place.enum.values if one.number)
        return f"{f'{value} is unknown' if value else 'is missing'}; give one of {known}"
    if rule == "required":
        return "is missing; give it"
    what, shown = violation.proto.message or rule, _shown(value)
    # Rules of the standard go on from the value, ours are sentences.
    joint = " " if what.startswith(("must ", "does ")) else ": "
    return f"{shown}{joint if shown else ''}{what}; {_step(rule, value)}"


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case str():
            cut = len(value) > _LONGEST
            return repr(value[:_LONGEST]) + (f"... ({len(value)} characters)" if cut else "")
        case bytes():
            return f"{len(value)} bytes"
        case FieldMask():
            return _shown(",".join(value.paths))
        case Message():
            told = {field.name: getattr(value, field.name) for field in value.DESCRIPTOR.fields}
            if not all(isinstance(one, int | float) for one in told.values()):
                return ""
            return ", ".join(f"{name} {one:g}" for name, one in told.items())
        case Sized():
            return f"{len(value)} items"
        case float():
            return f"{value:g}"
    return str(value)


def _step(rule: str, value: object) -> str:
    if rule.endswith((".max_len", ".max_bytes", ".max_items")):
        return "give less"
    if rule.endswith(".unique"):
        return "give each once"
    if isinstance(value, Sized) and not isinstance(value, Message) and not len(value):
        return "give it"
    return "correct it"


def _name(path: Any) -> str:  # noqa: ANN401 - protovalidate's own message class
    """`turns[0].parts[1].text` from a `buf.validate.FieldPath`."""
    names = []
    for element in path.elements if path else ():
        subscript = element.subscript
        key = "" if subscript is None else f"[{subscript.value}]"
        names.append(f"{element.field_name}{key}")
    return ".".join(names)
