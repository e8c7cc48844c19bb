"""What a caller is told whose message breaks a rule: field, value, rule and next step."""

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from kith.errors import InvalidInput
from kith.v1 import common_pb2 as common
from kith.v1 import datagen_pb2 as datagen
from kith.v1 import memory_pb2 as memory
from kith.v1 import query_pb2 as query
from kith.v1 import resources_pb2 as resources
from services.runtime.guard import check
from tests.contract.test_rules import BAD, BO, HELLO, ME, PHOTO, VIEW, ask, dataset, remember, said

DATASET_ID = "^[a-z][a-z0-9-]{0,62}$"
BOTH = "ENGINE_PLAYROOM, ENGINE_MSDIFFUSION"


def told(message: Message) -> tuple[str, str | None]:
    with pytest.raises(InvalidInput) as refused:
        check(message)
    assert refused.value.reason == "FIELD_INVALID"
    return str(refused.value), refused.value.field


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (
            dataset(dataset_id="Bo X"),
            f"dataset_id: 'Bo X' does not match regex pattern `{DATASET_ID}`; correct it",
        ),
        (
            dataset(limit=-4),
            "limit: -4 must be greater than or equal to 0 and less than or equal to 1000000; "
            "correct it",
        ),
        (dataset(engine=None), f"engine: is missing; give one of {BOTH}"),
        (dataset(engine=9), f"engine: 9 is unknown; give one of {BOTH}"),
        (
            dataset(shard=common.Shard(index=3, count=3)),
            "shard: index 3, count 3: index must be less than count; correct it",
        ),
        (datagen.MakeMaskRequest(image=PHOTO), "hint: is missing; give exactly one of box, points"),
        (remember(concept=None), "concept: is missing; give it"),
        (remember(views=[]), "views: 0 items must contain at least 1 item(s); give it"),
        (
            memory.RemoveViewsRequest(name=BO, views=[VIEW, VIEW]),
            "views: 2 items: repeated value must contain unique items; give each once",
        ),
        (
            ask(said(common.ROLE_USER, *[HELLO] * 33)),
            "turns[0].parts: 33 items must contain no more than 32 item(s); give less",
        ),
        (
            memory.UpdateConceptRequest(
                concept=resources.Concept(name=BO), update_mask=FieldMask(paths=["name"])
            ),
            "update_mask: 'name' must only contain paths in [display_name, category, description]; "
            "correct it",
        ),
        (
            ask(limits=common.Limits(temperature=-0.1)),
            "limits.temperature: -0.1 must be greater than or equal to 0 and less than or equal to "
            "2; correct it",
        ),
        (
            query.RecognizeRequest(parent=ME, image=PHOTO, concepts=[""]),
            "concepts[0]: '' must be at least 1 characters; give it",
        ),
    ],
)
def test_a_refusal_names_field_value_rule_and_next_step(message: Message, words: str) -> None:
    assert told(message) == (words, words.partition(":")[0])


def test_of_a_long_text_only_the_beginning_comes_back() -> None:
    text = ask(said(common.ROLE_USER, common.Part(text="a\u202eb" + "t" * 9000)))
    words, field = told(text)
    assert field == "turns[0].parts[0].text"
    assert "'a\\u202ebttt" in words  # nothing in it can turn the line around
    assert "'... (9003 characters) must be at most 8000 characters; give less" in words
    assert len(words) < 200


@pytest.mark.parametrize("message", [message for _, message in BAD])
def test_no_refusal_repeats_a_picture_or_runs_over_several_lines(message: Message) -> None:
    words, field = told(message)
    assert len(words) < 250
    assert "\n" not in words
    assert "jpeg" not in words
    assert "\\x" not in words
    assert words.startswith(f"{field}: " if field else "a box is")
    assert "; " in words
