"""What an operator watches: metrics that there are, where Prometheus and Grafana look for them."""

import json
import re
from copy import deepcopy
from typing import Any

import jsonschema
import pytest
import yaml
from prometheus_client import REGISTRY, ProcessCollector
from prometheus_client.registry import CollectorRegistry

from services.runtime import metrics
from tests.helm.charts import (
    CHART,
    EVERYTHING,
    FULL,
    POCKET,
    helm,
    laid_over,
    named,
    of_kind,
    render,
    variables_of,
)

WORD = re.compile(r"\b(?:kith|process)_\w+")


def operators_schema() -> dict[str, Any]:
    """What Prometheus' operator takes for a ServiceMonitor, and nothing beside it."""
    file = CHART.parents[1] / ".bin" / "monitoring.coreos.com_servicemonitors.yaml"
    if not file.exists():
        pytest.skip("the operator's schema is not here; `make helm-tools` brings it")
    (version,) = yaml.safe_load(file.read_text(encoding="utf-8"))["spec"]["versions"]
    return closed(version["schema"]["openAPIV3Schema"])


def closed(schema: Any) -> Any:  # noqa: ANN401 - JSON
    """The schema in which an object has no other fields than those told of, as in Kubernetes."""
    if isinstance(schema, list):
        return [closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(value) for key, value in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    return inner | {"additionalProperties": False} if is_object else inner


@helm
def test_the_service_monitor_is_one_that_the_operator_takes() -> None:
    schema = operators_schema()
    schema["properties"]["metadata"] = {}  # is Kubernetes' own, and a test of every object
    monitors = of_kind(render(FULL), "ServiceMonitor") + of_kind(
        render(EVERYTHING), "ServiceMonitor"
    )
    assert monitors
    for one in monitors:
        jsonschema.validate(one, schema)
    wrong = deepcopy(monitors[0])
    wrong["spec"]["endpoints"][0]["intervall"] = "30s"
    with pytest.raises(jsonschema.ValidationError, match="intervall"):
        jsonschema.validate(wrong, schema)


def exported() -> set[str]:
    """Every name under which a service tells Prometheus something."""
    assert metrics.CALLS  # which is in the registry once it is imported
    names = set()
    for registry in (REGISTRY, _process()):
        for family in registry.collect():
            names |= {sample.name for sample in family.samples} | {family.name}
            if family.type == "histogram":
                names |= {f"{family.name}_{part}" for part in ("bucket", "sum", "count")}
            if family.type == "counter":
                names.add(f"{family.name}_total")
    return names


def _process() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((CHART / "files" / "dashboard.json").read_text("utf-8"))
    return found


def test_the_dashboard_asks_for_metrics_and_labels_that_there_are() -> None:
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    assert len(asked) >= 10
    for expression in asked:
        words = WORD.findall(expression)
        assert words
        assert set(words) <= exported()
        assert expression.count("(") == expression.count(")")
        labels = set(re.findall(r"by \(([^)]*)\)", expression)[0].split(", "))
        known = {"le", "pod"} | set(metrics.CALLS._labelnames) | set(metrics._WAITED._labelnames)
        assert labels <= known


def test_every_metric_of_a_service_is_on_the_dashboard() -> None:
    ours = {family.name for family in REGISTRY.collect() if family.name.startswith("kith_")}
    text = json.dumps(dashboard())
    assert [name for name in ours if name not in text] == []


def test_no_two_panels_lie_on_one_another() -> None:
    places = [tuple(panel["gridPos"].values()) for panel in dashboard()["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in dashboard()["panels"]}) == len(places)


@helm
def test_the_autoscaler_goes_by_what_models_tell_of_their_queue() -> None:
    for scaler in of_kind(render(FULL), "HorizontalPodAutoscaler"):
        (metric,) = scaler["spec"]["metrics"]
        assert metric["pods"]["metric"]["name"] == metrics._WAITED._name
        assert metric["pods"]["target"] == {"type": "AverageValue", "averageValue": "250m"}


def test_the_rule_in_the_page_on_deployment_makes_that_metric() -> None:
    text = (CHART.parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```yaml\n(rules:.*?)```", text, re.DOTALL)
    (rule,) = yaml.safe_load(written)["rules"]["custom"]
    series = rule["seriesQuery"].partition("{")[0]
    assert set(WORD.findall(rule["metricsQuery"])) | {series} <= exported()
    made = re.sub(rule["name"]["matches"], rule["name"]["as"].replace("${1}", r"\1"), series)
    assert made == metrics._WAITED._name


@helm
def test_prometheus_finds_every_part_that_has_metrics() -> None:
    objects = render(EVERYTHING)
    (monitor,) = of_kind(objects, "ServiceMonitor")
    selector = monitor["spec"]["selector"]
    (expression,) = selector["matchExpressions"]
    (endpoint,) = monitor["spec"]["endpoints"]
    found = []
    for service in of_kind(objects, "Service"):
        labels = service["metadata"]["labels"]
        assert selector["matchLabels"].items() <= labels.items()
        if labels[expression["key"]] in expression["values"]:
            continue
        if endpoint["port"] in [port["name"] for port in service["spec"]["ports"]]:
            found.append(labels[expression["key"]])
    assert sorted(found) == sorted(set(named(objects, "Deployment")) - {"vllm"})


@helm
@pytest.mark.parametrize("kind", ["ServiceMonitor", "ConfigMap"])
def test_what_needs_an_operator_is_made_when_it_is_asked_for(kind: str) -> None:
    assert of_kind(render(POCKET), kind) == []
    made = [
        one for one in of_kind(render(FULL), kind) if not one["metadata"]["name"].endswith("vllm")
    ]
    assert len(made) == 1
    if kind == "ConfigMap":
        assert made[0]["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert json.loads(made[0]["data"]["kith.json"]) == dashboard()


@helm
def test_traces_go_where_they_are_wanted() -> None:
    where = "http://collector.observability:4317"
    told = render(laid_over(POCKET, {"telemetry": {"endpoint": where}}))
    for one in of_kind(told, "Deployment"):
        assert variables_of(one)["OTEL_EXPORTER_OTLP_ENDPOINT"] == where
    for one in of_kind(render(POCKET), "Deployment"):
        assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in variables_of(one)
