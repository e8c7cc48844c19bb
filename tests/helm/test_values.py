"""The chart's values and their schema, as far as they can be read without Helm."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml

from datagen.layout_files import shipped
from datagen.making import EngineName
from kith.local import TRAINED
from services.assistant.methods import METHODS
from services.generation import templates
from tests import images
from tests.helm.charts import CHART, EVERYTHING, EXAMPLES, FULL, POCKET, SCHEMA, laid_over

CHART_FILE: dict[str, Any] = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
Validator = jsonschema.Draft7Validator
GPU = {"engine": "msdiffusion", "seeds": {"claim": "mine"}, "models": {"claim": "models"}}


def complaints(other: dict[str, Any]) -> list[str]:
    """What is wrong with values, each beginning with where."""
    errors = Validator(SCHEMA).iter_errors(laid_over(VALUES, other))
    return sorted(error for one in errors for error in _leaves(one))


def _leaves(error: jsonschema.ValidationError) -> Iterator[str]:
    if not error.context:
        yield f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
    for inner in error.context or ():
        yield from _leaves(inner)


def objects_of(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - it is JSON
    """Every schema in a schema that has properties, but for those that only add to another."""
    if isinstance(schema, dict):
        if "description" in schema and "properties" in schema:
            yield schema
        for key, inner in schema.items():
            if key not in ("then", "else", "if"):
                yield from objects_of(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects_of(inner)


def test_the_values_that_come_with_the_chart_are_right_and_switch_nothing_on() -> None:
    Validator.check_schema(SCHEMA)
    assert complaints({}) == []
    parts = [value for value in VALUES.values() if isinstance(value, dict) and "enabled" in value]
    assert [part["enabled"] for part in parts if "image" in part] == [False] * 10


@pytest.mark.parametrize("values", [POCKET, FULL, EVERYTHING])
def test_the_values_of_a_whole_product_are_right(values: dict[str, Any]) -> None:
    assert complaints(values) == []


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({"profile": "full"}, "models.claim: ''"),
        ({"vllm": {"enabled": True}}, "models.claim: ''"),
        ({"words": {"enabled": True}}, "words.enabled: "),
        (laid_over(FULL, {"words": {"enabled": False}}), "words.enabled: "),
        ({"qdrant": {"url": "there:6333"}}, "qdrant.url: 'there:6333'"),
        ({"qdrant": {"enabled": True}}, "qdrant: Additional properties"),
        ({"assistant": {"method": "myvlm"}}, "assistant.method: 'myvlm'"),
        ({"assistant": {"furtherMethods": {"zork": 7455}}}, "assistant.furtherMethods: 'zork'"),
        ({"assistant": {"env": {"KITH-USER": "ann"}}}, "assistant.env: 'KITH-USER'"),
        ({"gateway": {"ingress": {"enabled": True}}}, "gateway.ingress.host: ''"),
        ({"vllm": {"service": {"type": "LoadBalancer"}}}, "vllm: Additional properties"),
        ({"detection": {"replicas": 0}}, "detection.replicas: 0"),
        ({"baselines": {"methods": ["rap"]}}, "baselines.methods.0: 'rap'"),
        ({"networkPolicy": {"egress": {"zork": []}}}, "networkPolicy.egress: 'zork'"),
        ({"connectionAgeS": 1}, "connectionAgeS: 1"),
        ({"assistants": {}}, ": Additional properties"),
    ],
)
def test_a_wrong_value_of_a_service_is_named(values: dict[str, Any], where: str) -> None:
    first, *_ = complaints(values)
    assert first.startswith(where)


def test_the_schema_knows_every_value_describes_it_and_takes_no_other() -> None:
    def known(values: dict[str, Any], schema: dict[str, Any]) -> None:
        for inner in (part for part in schema.get("allOf", ()) if "$ref" in part):
            schema = schema | SCHEMA["definitions"][inner["$ref"].rpartition("/")[2]]
        if "properties" in schema and schema["additionalProperties"] is False:
            assert set(values) == set(schema["properties"]) - {"global"}
            for key, value in values.items():
                if isinstance(value, dict):
                    known(value, schema["properties"][key])

    known(VALUES, SCHEMA)
    for one in objects_of(SCHEMA):
        assert one["additionalProperties"] is False
        assert all(inner["description"] for inner in one["properties"].values())


def test_the_schema_takes_what_the_program_takes() -> None:
    datagen = SCHEMA["definitions"]["datagen"]["properties"]
    assert datagen["engine"]["enum"] == list(get_args(EngineName))
    assert all(re.search(datagen["split"]["pattern"], name) for name in shipped())


def test_the_methods_of_the_schema_are_those_of_the_program() -> None:
    parts = SCHEMA["properties"]
    trained = parts["baselines"]["properties"]["methods"]["items"]["enum"]
    assert set(trained) == set(TRAINED)
    assert parts["assistant"]["properties"]["method"]["enum"] == list(METHODS)
    assert parts["evaluation"]["properties"]["method"]["enum"] == [*METHODS, *trained]


def test_the_engines_template_is_the_one_that_generation_has() -> None:
    for name in filter(None, SCHEMA["properties"]["vllm"]["properties"]["chatTemplate"]["enum"]):
        copy = (CHART / "files" / f"{name}.jinja").read_bytes()
        assert copy == (Path(templates.__file__).parent / f"{name}.jinja").read_bytes()


def test_the_page_on_deployment_builds_every_image_that_the_chart_can_use() -> None:
    text = (CHART.parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
    (built,) = re.findall(r"^for service in (.*); do$", text, re.MULTILINE)
    parts = [one for name, one in VALUES.items() if isinstance(one, dict) and name != "image"]
    repositories = {one["image"]["repository"] for one in parts if "image" in one}
    assert {f"kith/{name}" for name in built.split()} == repositories - {"vllm/vllm-openai"}
    assert all(images.steps(name) for name in built.split())


def test_a_clone_is_the_whole_chart() -> None:
    # Where a dependency is missing Helm makes nothing, be it on or off, and to fetch it takes a
    # network.
    assert "dependencies" not in CHART_FILE


def test_the_chart_is_of_the_version_of_the_program() -> None:
    project = tomllib.loads((CHART.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
    assert CHART_FILE["appVersion"] == project["project"]["version"]


@pytest.mark.parametrize(
    ("datagen", "where"),
    [
        ({"enabled": "yes"}, "datagen.enabled: 'yes'"),
        ({"engine": "zork"}, "datagen.engine: 'zork'"),
        ({"split": "Zork"}, "datagen.split: 'Zork'"),
        ({"split": "mine.yaml"}, "datagen.split: 'mine.yaml'"),
        ({"split": "/datasets/../x.yaml"}, "datagen.split: '/datasets/../x.yaml'"),
        ({"split": "/datasets/a b.yaml"}, "datagen.split: '/datasets/a b.yaml'"),
        ({"split": "/etc/x.yaml"}, "datagen.split: '/etc/x.yaml'"),
        ({"shards": 0}, "datagen.shards: 0"),
        ({"shards": 2.5}, "datagen.shards: 2.5"),
        ({"limit": -1}, "datagen.limit: -1"),
        ({"shard": 8}, "datagen: Additional properties"),
        ({"engine": "msdiffusion"}, "datagen.models.claim: ''"),
        (GPU | {"seeds": {}}, "datagen.seeds.claim: ''"),
        ({"seeds": {"claim": "mine"}}, "datagen.seeds.claim: 'mine'"),
        ({"datasets": {"folder": "../other"}}, "datagen.datasets.folder: '../other'"),
        ({"datasets": {"folder": "a/../b"}}, "datagen.datasets.folder: 'a/../b'"),
        ({"datasets": {"folder": "$(HOME)"}}, "datagen.datasets.folder: '$(HOME)'"),
        ({"datasets": {"claim": "Not A Name"}}, "datagen.datasets.claim: 'Not A Name'"),
        ({"datasets": {"size": "much"}}, "datagen.datasets.size: 'much'"),
        ({"resources": {"playroom": {"limits": {"memory": "1 GB"}}}}, "datagen.resources.playroom"),
    ],
)
def test_a_wrong_value_is_named(datagen: dict[str, Any], where: str) -> None:
    first, *_ = complaints({"datagen": datagen})
    assert first.startswith(where)


@pytest.mark.parametrize(
    "datagen",
    [
        GPU,
        {"shards": 1, "limit": 12, "seed": 7, "pack": True},
        {"split": "/datasets/layouts/mine-2.yaml"},
        {"datasets": {"claim": "nfs.mine", "folder": "datasets/first_2.0"}},
        {"resources": {"msdiffusion": {"limits": {"amd.com/gpu": 1, "nvidia.com/gpu": 0}}}},
    ],
)
def test_a_right_value_is_taken(datagen: dict[str, Any]) -> None:
    assert complaints({"datagen": datagen}) == []


def test_the_values_for_ms_diffusion_are_right() -> None:
    text = (EXAMPLES / "msdiffusion-values.yaml").read_text(encoding="utf-8")
    assert complaints(yaml.safe_load(text)) == []
