"""The chart as Helm renders it, and Kubernetes' own word on what comes out."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "kith"
EXAMPLES = CHART.parents[1] / "examples" / "datagen"
KUBERNETES = ("1.29", "1.37")
"""The oldest that the chart is for, and the newest whose schemas are at hand."""
OPERATORS = ("monitoring.coreos.com/v1",)
"""What operators add to Kubernetes, whose schemas are not at hand."""
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
POCKET, FULL = (
    yaml.safe_load((CHART / f"values-{name}.yaml").read_text(encoding="utf-8"))
    for name in ("pocket", "full")
)


def skipped_without(program: str) -> pytest.MarkDecorator:
    """Skips a test where a program is not on the PATH."""
    why = f"{program} is not here; docs/development.md says where from"
    return pytest.mark.skipif(shutil.which(program) is None, reason=why)


helm = skipped_without("helm")


def run_helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def template(values: Mapping[str, Any], chart: Path | None = None) -> str:
    """What an install with these values makes, as Helm writes it."""
    return _template(yaml.safe_dump(dict(values)), chart or CHART)


@cache
def _template(values: str, chart: Path) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(values)
        file.flush()
        done = run_helm(
            *("template", "mine", chart, "--namespace", "here"),
            *("--values", file.name, "--kube-version", KUBERNETES[-1]),
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


def render(values: Mapping[str, Any], chart: Path | None = None) -> list[dict[str, Any]]:
    """The same as objects, every one valid for Kubernetes."""
    objects = [one for one in yaml.safe_load_all(template(values, chart)) if one]
    for one in objects:
        if one["apiVersion"] not in OPERATORS:
            check(one)
    return objects


def refusal(values: Mapping[str, Any], folder: Path) -> str:
    """What Helm says of values with which it makes nothing."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    where = ("--values", file, "--kube-version", KUBERNETES[-1])
    done = run_helm("template", "mine", CHART, *where)
    assert done.returncode != 0
    return done.stderr


def check(one: dict[str, Any]) -> None:
    """Hold an object to the schemas of Kubernetes, in which nothing stands that is not there."""
    _check(json.dumps(one))


@cache
def _check(written: str) -> None:
    one = json.loads(written)
    for version in KUBERNETES:
        assert kubernetes_validate.validate(one, version, strict=True) == version


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]


def named(objects: list[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The objects of a kind, by their names without the release's."""
    return {
        one["metadata"]["name"].removeprefix("mine-kith-"): one for one in of_kind(objects, kind)
    }


def container_of(workload: dict[str, Any]) -> dict[str, Any]:
    (container,) = workload["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = container
    return found


def variables_of(workload: dict[str, Any]) -> dict[str, Any]:
    """A container's variables: each its value, or where it comes from."""
    given = container_of(workload)["env"]
    found = {one["name"]: one.get("value", one.get("valueFrom")) for one in given}
    assert len(found) == len(given)
    return found


def laid_over(values: Any, other: Any) -> Any:  # noqa: ANN401 - they are YAML
    """Values with others laid over them, as Helm does."""
    if not (isinstance(values, Mapping) and isinstance(other, Mapping)):
        return other
    both = {key: laid_over(values[key], other[key]) for key in values.keys() & other.keys()}
    return {**values, **other, **both}


EVERYTHING: dict[str, Any] = laid_over(
    FULL,
    {
        "baselines": {"enabled": True, "methods": ["yollava-s", "myvlm"]},
        "evaluation": {"enabled": True},
        "datagen": {"enabled": True},
        "gateway": {"ingress": {"enabled": True, "host": "kith.example", "tlsSecret": "web"}},
        "models": {"trusted": "0000  yolov8x-worldv2.pt\n"},
        "telemetry": {"endpoint": "http://collector.observability:4317"},
        "tls": {"secret": "certificates"},
    },
)
"""Values with which every template makes something."""
