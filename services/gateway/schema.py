"""JSON schemas of the contract's messages, made from their descriptors and the rules in them."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from google.api import field_behavior_pb2
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

# protovalidate keeps the messages of its rules to itself; the exact version is pinned, and a test
# fails where they are no longer found.
from protovalidate._gen.buf.validate.validate_pb import FieldRules

from kith.v1 import common_pb2

Schema = dict[str, Any]

PREFIX: Final = "#/components/schemas/"

_PACKAGE: Final = "kith.v1."

_RULES: Final = 1159
"""Number of the option `(buf.validate.field)`."""

_ELSEWHERE: Final = frozenset({"name", "parent"})
"""Fields of requests that do not stand in a body: the path and the credential say them."""

_PLAIN: Final[Mapping[int, Schema]] = MappingProxyType(
    {
        FieldDescriptor.TYPE_STRING: {"type": "string"},
        FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
        FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
        FieldDescriptor.TYPE_FLOAT: {"type": "number"},
        FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    }
)

_WELL_KNOWN: Final[Mapping[str, Schema]] = MappingProxyType(
    {
        "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
        "google.protobuf.Duration": {"type": "string", "examples": ["1.5s"]},
        "google.protobuf.Any": {
            "type": "object",
            "properties": {"@type": {"type": "string"}},
            "required": ["@type"],
        },
    }
)

_LIMITS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "gt": "exclusiveMinimum",
        "gte": "minimum",
        "lt": "exclusiveMaximum",
        "lte": "maximum",
        "unique": "uniqueItems",
        "pattern": "pattern",
    }
)
"""What a rule of buf.validate is called in JSON Schema."""

_SIZES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "minLen": "minLength",
        "maxLen": "maxLength",
        "minItems": "minItems",
        "maxItems": "maxItems",
    }
)
"""The same for numbers that protobuf's JSON writes as texts."""


def ref(message: type[Message]) -> Schema:
    """A reference to the schema of `message` in an OpenAPI document."""
    return _value_of(message.DESCRIPTOR)


def of_name(name: str) -> Schema:
    """The schema of the message of that name; those it is made of are references in it."""
    pool = descriptor_pool.Default()
    foreign = name.startswith("google.")
    message: Descriptor = pool.FindMessageTypeByName(name if foreign else _PACKAGE + name)
    if message.full_name == common_pb2.Image.DESCRIPTOR.full_name:
        return _image(_field(message.fields_by_name["data"]))
    elsewhere = _ELSEWHERE if name.endswith("Request") else frozenset[str]()
    listed = [field for field in message.fields if field.name not in elsewhere]
    required = [field.name for field in listed if _is(field, "REQUIRED")]
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in listed},
        "additionalProperties": False,
    } | ({"required": required} if required else {})


def fields(message: type[Message]) -> dict[str, Schema]:
    """The schema of each field that a body or a query holds, by its name."""
    name = message.DESCRIPTOR.full_name.removeprefix(_PACKAGE)
    properties: dict[str, Schema] = of_name(name)["properties"]
    return properties


def _field(field: FieldDescriptor) -> Schema:
    rules = _rules(field)
    repeated: Schema = rules.get("repeated", {})
    schema = _value(field, repeated.get("items", {}) if repeated else rules)
    if field.is_repeated:
        schema = {"type": "array", "items": schema} | _limits(repeated)
    return schema | ({"readOnly": True} if _is(field, "OUTPUT_ONLY") else {})


def _value(field: FieldDescriptor, rules: Schema) -> Schema:
    if field.message_type is not None:
        return _value_of(field.message_type)
    if field.enum_type is not None:
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    # A limit of bytes is none of the base64 text that stands for them.
    kinds = [kind for kind in ("string", "int32", "float") if kind in rules]
    return dict(_PLAIN[field.type]) | (_limits(rules[kinds[0]]) if kinds else {})


def _value_of(message: Any) -> Schema:  # noqa: ANN401 - protobuf has two classes of descriptors
    if message.full_name in _WELL_KNOWN:
        return dict(_WELL_KNOWN[message.full_name])
    return {"$ref": PREFIX + message.full_name.removeprefix(_PACKAGE)}


def _limits(rules: Schema) -> Schema:
    """Rules of one kind of value, under the names JSON Schema has for them."""
    limits = {_LIMITS[rule]: value for rule, value in rules.items() if rule in _LIMITS}
    limits |= {_SIZES[rule]: int(value) for rule, value in rules.items() if rule in _SIZES}
    return limits | ({"format": "uuid"} if rules.get("uuid") else {})


def _image(data: Schema) -> Schema:
    """A picture: its bytes, or the handle of an upload."""
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {name: schema},
                "required": [name],
                "additionalProperties": False,
            }
            for name, schema in (("data", data), ("upload", {"type": "string"}))
        ]
    }


def _rules(field: FieldDescriptor) -> Schema:
    """The rules of a field in protobuf's JSON, as in {"string": {"maxLen": "64"}}."""
    # The stubs come without buf's extension, so its options are unknown fields to them.
    options: Any = UnknownFieldSet(field.GetOptions())
    for option in options:
        if option.field_number == _RULES:
            rules: Schema = json.loads(FieldRules.from_binary(option.data).to_json())
            return rules
    return {}


def _is(field: FieldDescriptor, behavior: str) -> bool:
    found = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.FieldBehavior.Value(behavior) in found
