"""The OpenAPI document says what is true, and nothing that it allows makes the gateway fail."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error

from kith.v1 import memory_pb2, query_pb2, resources_pb2
from services.gateway import schema
from tests.gateway.world import BO, Gateway, id_of, remember


@pytest.fixture(scope="module")
def document(gateway: Gateway) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{gateway.url}/openapi.json").json()
    return found


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_nothing_that_is_sent_to_it_makes_the_gateway_fail(
    gateway: Gateway, document: dict[str, Any], mode: GenerationMode
) -> None:
    with gateway.client(f"fuzz-{mode.name}") as client:
        made = remember(client, "bo", BO)
    ids = {"concept": id_of(made), "view": id_of(made["views"][0])}
    # A watch never ends by itself.
    api = schemathesis.openapi.from_dict(document).exclude(path="/v1/watch")
    tried = []
    for found in api.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=8,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def answers(case: schemathesis.Case) -> None:
            case.headers = {**(case.headers or {}), "Kith-User": f"fuzz-{mode.name}"}
            if mode is GenerationMode.POSITIVE:  # whatever it is for, it is there
                there = {name: ids[name] for name in ids if name in case.path_parameters}
                case.path_parameters.update(there)
            answer = case.call(base_url=gateway.url, timeout=60)
            case.validate_response(answer, checks=[not_a_server_error])

        with contextlib.suppress(
            SkipTest, Unsatisfiable
        ):  # an operation without input has no bad one
            answers()
        tried.append(operation.label)
    assert len(tried) == len(list(operations(document))) - 1


def operations(document: dict[str, Any]) -> Iterator[str]:
    for path, verbs in document["paths"].items():
        for verb in verbs:
            yield f"{verb.upper()} {path}"


def references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield from ([value["$ref"]] if "$ref" in value else [])
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_schema_that_is_named_is_there(document: dict[str, Any]) -> None:
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    assert "ValidationError" not in document["components"]["schemas"]


def test_a_schema_has_the_rules_of_the_contract() -> None:
    concept = schema.of_name("Concept")
    assert concept["required"] == ["display_name"]
    assert concept["properties"]["description"] == {"type": "string", "maxLength": 2000}
    assert concept["properties"]["state"]["readOnly"]
    assert "STATE_READY" in concept["properties"]["state"]["enum"]
    wish = schema.of_name("RememberRequest")
    assert wish["required"] == ["concept", "views"]
    assert wish["properties"]["views"] == {
        "type": "array",
        "items": {"$ref": "#/components/schemas/NewView"},
        "minItems": 1,
        "maxItems": 16,
    }
    assert wish["properties"]["request_id"] == {"type": "string", "format": "uuid"}
    assert schema.of_name("Box")["properties"]["x2"] == {
        "type": "number",
        "exclusiveMinimum": 0,
        "maximum": 65535,
    }
    page = schema.fields(memory_pb2.ListConceptsRequest)
    assert page["page_size"] == {
        "type": "integer",
        "format": "int32",
        "minimum": 0,
        "maximum": 1000,
    }
    assert "parent" not in page


@pytest.mark.parametrize("file", [memory_pb2, query_pb2, resources_pb2])
def test_every_message_of_the_contract_has_a_schema(file: Any) -> None:  # noqa: ANN401
    for name in file.DESCRIPTOR.message_types_by_name:
        assert schema.of_name(name)["type"] == "object"


def test_the_page_tells_of_every_route_and_loads_nothing_from_elsewhere(
    http: httpx.Client, document: dict[str, Any]
) -> None:
    page = http.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert all(path in page.text for path in document["paths"])
    assert not re.search(r"https?://|<script|style=", page.text)
    assert http.get("/docs.css").headers["content-type"].startswith("text/css")
