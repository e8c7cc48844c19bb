import re

from google.protobuf.message import Message

from tests.contract.reader import Contract

# Limits that a comment writes as a person would.
WRITTEN = {20971520: "20 MiB", 1048576: "1 MiB"}


def test_every_message_field_enum_and_rpc_has_a_comment(contract: Contract) -> None:
    assert [name for name, comment in contract.comments.items() if not comment] == []


def test_comments_are_sentences(contract: Contract) -> None:
    loose = [name for name, comment in contract.comments.items() if not comment.endswith(".")]

    assert loose == []


def test_a_comment_names_the_upper_limits_of_its_field(contract: Contract) -> None:
    silent = []
    for name, field in contract.sent_fields():
        for limit in upper_limits(contract.option(field, "buf.validate.field")):
            stated = re.sub(r"\s+", " ", contract.comments[name])
            if WRITTEN.get(limit, f"{limit:.0f}") not in stated:
                silent.append(f"{name}: {limit:.0f}")

    # The lengths of resource names follow from their parts; nobody needs the sum.
    assert [s for s in silent if not re.search(r"(\.name|\.seed_set): \d+$", s)] == []


def upper_limits(rules: Message) -> list[float]:
    """The greatest values, lengths and counts that rules allow, those of items included."""
    found = []
    for kind, rule in rules.ListFields():
        if not kind.message_type or kind.is_repeated:
            continue
        for option, value in rule.ListFields():
            if option.name in ("lte", "max_len", "max_items"):
                found.append(value)
            elif option.name == "items":
                found += upper_limits(value)
    return found
