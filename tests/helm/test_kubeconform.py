"""A second opinion on what the chart makes: kubeconform's."""

import json
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.helm.charts import (
    EVERYTHING,
    EXAMPLES,
    FULL,
    KUBERNETES,
    POCKET,
    helm,
    skipped_without,
    template,
)

KINDS = (
    *("configmap", "deployment", "horizontalpodautoscaler", "ingress", "job", "networkpolicy"),
    *("persistentvolumeclaim", "poddisruptionbudget", "secret", "service"),
)
SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"


def schemas_of(version: str, folder: Path) -> Path:
    """Kubernetes' schemas, each whole in one file: kubeconform follows no other names."""
    place = SCHEMAS / f"v{version}.0-local-strict"
    shared = json.loads((place / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    for file in (one for name in KINDS for one in place.glob(f"{name}-*v[12].json")):
        text = file.read_text(encoding="utf-8").replace('"/api/_definitions.json#', '"#')
        schema = json.loads(text) | {"$defs": shared}
        schema.pop("$id")
        (folder / file.name).write_text(json.dumps(schema), encoding="utf-8")
    return folder


@helm
@skipped_without("kubeconform")
@pytest.mark.parametrize("version", KUBERNETES)
def test_kubeconform_finds_nothing_wrong(version: str, tmp_path: Path) -> None:
    place = schemas_of(version, tmp_path)
    command = ["kubeconform", "-strict", "-summary", "-skip", "ServiceMonitor"]
    command += ["-kubernetes-version", f"{version}.0"]
    command += ["-schema-location", f"{place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json", "-"]

    def complaints(manifests: str) -> tuple[int, str]:
        done = subprocess.run(command, input=manifests, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    drawn = yaml.safe_load((EXAMPLES / "msdiffusion-values.yaml").read_text(encoding="utf-8"))
    for values in (POCKET, FULL, EVERYTHING, drawn):
        code, said = complaints(template(values))
        assert code == 0, said
    wrong: dict[str, Any] = next(iter(yaml.safe_load_all(template(POCKET))))
    wrong["spec"]["podSelectors"] = {}
    assert "additional properties 'podSelectors'" in complaints(yaml.safe_dump(wrong))[1]
