import protovalidate
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from google.protobuf.message import Message

from tests.contract.reader import Contract

NUMBERS = {
    Field.TYPE_INT32: "int32",
    Field.TYPE_UINT64: "uint64",
    Field.TYPE_FLOAT: "float",
    Field.TYPE_DOUBLE: "double",
}
# Fields that need no limit, with the reason.
UNLIMITED = {
    "MakeDatasetRequest.random_seed": "every number is a seed",
    "RunEvaluationRequest.random_seed": "every number is a seed",
    "Shard.index": "less than count, which is limited",
}
# Required in one request and not in another, so that the request says it.
REQUIRED_ELSEWHERE = {"Concept.display_name"}


def test_every_field_that_a_caller_sends_has_a_limit(contract: Contract) -> None:
    unlimited = {
        name
        for name, field in contract.sent_fields()
        if not is_limited(field, contract.option(field, "buf.validate.field"))
    }

    assert unlimited == set(UNLIMITED)


def is_limited(field: Field, rules: Message) -> bool:
    """Whether rules bound how much a field can hold; messages are bound by their own fields."""
    if field.label == Field.LABEL_REPEATED:
        inner = field.type == Field.TYPE_MESSAGE or is_value_limited(field, rules.repeated.items)
        return rules.repeated.HasField("max_items") and inner
    return is_value_limited(field, rules)


def is_value_limited(field: Field, rules: Message) -> bool:
    match field.type:
        case Field.TYPE_STRING:
            text = rules.string
            return (
                text.HasField("max_len")
                or text.HasField("uuid")
                or (text.HasField("pattern") and not set("*+") & set(text.pattern))
            )
        case Field.TYPE_BYTES:
            return rules.bytes.HasField("max_len")
        case Field.TYPE_ENUM:
            return rules.enum.defined_only
        case kind if kind in NUMBERS:
            number = getattr(rules, NUMBERS[kind])
            return number.HasField("lte")
        case kind:
            return kind in (Field.TYPE_BOOL, Field.TYPE_MESSAGE)


def test_every_required_field_is_refused_when_it_is_left_out(contract: Contract) -> None:
    forgotten = []
    for name, field in contract.sent_fields():
        message, _, member = name.rpartition(".")
        if 2 not in contract.option(field, "google.api.field_behavior"):
            continue
        refused = {
            violation.proto.field.elements[0].field_name
            for violation in protovalidate.collect_violations(contract.make(message))
            if violation.proto.field
        }
        if member not in refused:
            forgotten.append(name)

    assert set(forgotten) == REQUIRED_ELSEWHERE
