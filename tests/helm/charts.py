"""The chart as Helm renders it, and Kubernetes' own word on what comes out."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

CHART = Path(__file__).resolve().parents[2] / "helm" / "kith"
EXAMPLES = CHART.parents[1] / "examples" / "datagen"
KUBERNETES = ("1.29", "1.37")
"""The oldest that the chart is for, and the newest whose schemas are at hand."""

helm = pytest.mark.skipif(
    shutil.which("helm") is None, reason="helm is not here; docs/development.md says where from"
)


def run_helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)


def render(values: Mapping[str, Any], folder: Path, chart: Path = CHART) -> list[dict[str, Any]]:
    """What an install with these values makes, every object valid for Kubernetes."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
    done = run_helm("template", "mine", chart, "--values", file, "--kube-version", KUBERNETES[-1])
    assert done.returncode == 0, done.stderr
    objects = [one for one in yaml.safe_load_all(done.stdout) if one]
    for one in objects:
        check(one)
    return objects


def check(one: dict[str, Any]) -> None:
    """Hold an object to the schemas of Kubernetes, in which nothing stands that is not there."""
    for version in KUBERNETES:
        assert kubernetes_validate.validate(one, version, strict=True) == version


def of_kind(objects: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in objects if one["kind"] == kind]
