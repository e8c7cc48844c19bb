import json
from typing import Any

import pytest

from kith.errors import InvalidInput
from services.gateway.mcp import forms, tools
from services.gateway.mcp.arguments import Ask, Find, List, Remember, Update

DATA = {"data": "aGk="}


def objects(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [schema, *schema.get("$defs", {}).values()]


def test_every_tool_and_argument_is_described_in_valid_schemas() -> None:
    for tool in tools.described("upload"):
        assert tool.title
        assert tool.description
        assert len(tool.description) > 100
        for schema in (tool.input_schema, tool.output_schema):
            assert schema
            assert schema["type"] == "object"
            assert "null" not in json.dumps(schema)
        for part in objects(tool.input_schema):
            assert part["additionalProperties"] is False
            for name, argument in part["properties"].items():
                assert argument.get("description") or "$ref" in argument, (tool.name, name)


def test_a_model_is_told_what_a_tool_may_do() -> None:
    hints = {tool.name: tool.annotations for tool in tools.described("path")}
    assert list(hints) == [
        "remember_concept",
        "list_concepts",
        "update_concept",
        "forget_concept",
        "find_concepts",
        "ask",
    ]
    reading = {name for name, hint in hints.items() if hint and hint.read_only_hint}
    assert reading == {"list_concepts", "find_concepts", "ask"}
    destroying = {name for name, hint in hints.items() if hint and hint.destructive_hint}
    assert destroying == {"update_concept", "forget_concept"}
    assert hints["forget_concept"]
    assert hints["forget_concept"].idempotent_hint
    assert all(hint and hint.open_world_hint is False for hint in hints.values())


@pytest.mark.parametrize(("source", "other"), [("upload", "path"), ("path", "upload")])
def test_only_the_way_that_works_is_offered_for_large_photos(source: Any, other: str) -> None:  # noqa: ANN401
    for tool in tools.described(source):
        for name, part in tool.input_schema.get("$defs", {}).items():
            assert source in part["properties"], name
            assert other not in part["properties"], name


@pytest.mark.parametrize(
    ("form", "given", "field", "text"),
    [
        (Remember, {"images": [DATA]}, "name", "is missing; give it"),
        (Remember, {"name": "bo"}, "images", "is missing"),
        (Remember, {"name": "bo", "images": []}, "images", r"\[\] can't be taken"),
        (Remember, {"name": "", "images": [DATA]}, "name", "'' can't be taken"),
        (Remember, {"name": "bo", "images": [{"date": "aGk="}]}, "images[0].date", "leave it out$"),
        (
            Remember,
            {"name": "bo", "images": [DATA, {**DATA, "box": [1, 2, 3]}]},
            "images[1].box",
            "at least 4 items",
        ),
        (List, {"start": -1}, "start", "-1 can't be taken"),
        (
            List,
            {"user": "ada"},
            "user",
            "is not to be given; leave it out, there are category, start$",
        ),
        (Find, {"image": "bo.png"}, "image", "'bo.png' can't be taken"),
        (Update, {"concept": "bo"}, None, "no change given; call with one"),
        (Update, {"concept": "bo", "name": "b", "images": [DATA]}, None, "several kinds of change"),
    ],
)
def test_what_can_not_be_taken_is_refused_by_its_name(
    form: type[forms.Form], given: dict[str, Any], field: str | None, text: str
) -> None:
    with pytest.raises(InvalidInput, match=text) as refused:
        forms.read(form, given)
    assert refused.value.field == field
    assert str(refused.value).startswith(field or text.split(";")[0])


def test_a_refusal_repeats_no_more_than_a_glance_of_what_was_given() -> None:
    with pytest.raises(InvalidInput) as refused:
        forms.read(Find, {"image": "x" * 5_000_000})
    assert len(str(refused.value)) < 250
    assert refused.value.__cause__ is None


def test_null_is_left_out_and_json_in_a_string_is_read() -> None:
    asked = forms.read(Ask, {"question": "[1, 2]?", "image": json.dumps({**DATA, "path": None})})
    assert asked == forms.read(Ask, {"question": "[1, 2]?", "image": DATA})
    assert forms.read(Ask, {"question": "{}", "image": None}) == Ask(question="{}")
    told = forms.read(Remember, {"name": "bo", "images": json.dumps([DATA])})
    assert told == forms.read(Remember, {"name": "bo", "images": [DATA]})
