"""The chart as Helm renders it: its objects are valid, and the program understands its commands."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kith.cli import main
from tests.helm.charts import (
    CHART,
    EXAMPLES,
    FULL,
    POCKET,
    helm,
    laid_over,
    of_kind,
    render,
    run_helm,
)
from tests.helm.orders import commands_of, read

pytestmark = helm

ON = {"enabled": True}
Told = Callable[[dict[str, Any]], tuple[str, list[dict[str, Any]]]]
"""From values to what the notes of an install say, and what it makes."""
GPU = {
    **ON,
    "engine": "msdiffusion",
    "split": "yollava",
    "seeds": {"claim": "mine", "folder": "seeds/first"},
    "models": {"claim": "models"},
}


def job_of(datagen: dict[str, Any]) -> dict[str, Any]:
    (job,) = of_kind(render({"datagen": datagen}), "Job")
    return job


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def test_without_values_nothing_is_made() -> None:
    assert render({}) == []


def test_the_example_without_helm_is_what_the_chart_makes() -> None:
    example = yaml.safe_load((EXAMPLES / "indexed-job.yaml").read_text(encoding="utf-8"))
    job = job_of(ON | {"datasets": {"claim": "datasets"}})
    del job["spec"]["template"]["metadata"]  # the labels by which Helm's objects are told apart
    assert job["spec"] == example["spec"]


def test_the_dataset_lies_in_a_claim_that_outlives_the_release() -> None:
    objects = render({"datagen": ON | {"datasets": {"storageClassName": "nfs"}}})
    (claim,), (job,) = (of_kind(objects, kind) for kind in ("PersistentVolumeClaim", "Job"))
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    assert claim["spec"]["storageClassName"] == "nfs"
    volume = pod_of(job)["volumes"][0]
    assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    given = render({"datagen": ON | {"datasets": {"claim": "mine"}}})
    assert [one["kind"] for one in given] == ["NetworkPolicy", "Job"]


@pytest.mark.parametrize(
    "datagen",
    [
        ON,
        ON | {"split": "yollava", "shards": 3, "limit": 30, "seed": 2**40, "pack": True},
        ON | {"shards": 1, "datasets": {"claim": "mine", "folder": "a/b"}},
        ON | {"split": "/datasets/layouts/own.yaml"},
        GPU | {"shards": 20},
    ],
)
def test_every_pod_asks_the_program_for_its_own_share(
    datagen: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = job_of(datagen)
    asked = read(commands_of(job), monkeypatch)
    shards = datagen.get("shards", 8)
    assert [(one.index, one.of) for one in asked] == [(index, shards) for index in range(shards)]
    (order,) = {one.order for one in asked}
    assert order.engine == datagen.get("engine", "playroom")
    assert order.split == datagen.get("split", "msbench")
    assert order.limit == datagen.get("limit")
    assert order.seed == datagen.get("seed", 0)
    assert {one.packed for one in asked} == {datagen.get("pack", False)}
    (container,) = pod_of(job)["containers"]
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    folder = datagen.get("datasets", {}).get("folder") or Path(order.split).stem
    assert str(order.out) == f"/datasets/{folder}"
    assert not mounts["/datasets"].get("readOnly")
    for name, given in (("seeds", order.seeds), ("models", order.models)):
        inside = datagen.get(name, {}).get("folder", "")
        assert given == (Path(f"/{name}", inside) if name in datagen else None)
        assert mounts.get(f"/{name}", {}).get("readOnly", False) is (name in datagen)
    assert {mount["name"] for mount in mounts.values()} == {
        volume["name"] for volume in pod_of(job)["volumes"]
    }


def test_the_commands_of_the_pods_make_a_whole_dataset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    job = job_of(ON | {"shards": 3, "limit": 7, "datasets": {"folder": "small"}})
    for _, *arguments in commands_of(job):
        here = [word.replace("/datasets", str(tmp_path)) for word in arguments]
        assert main(["--json", *here]) == 0
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one.get("left", 0) for one in told] == [4, 2, 0]
    assert told[-1]["kept"] == told[-1]["wanted"]
    assert sum(told[-1]["kept"].values()) == 7
    assert (tmp_path / "small" / "README.md").is_file()


def test_no_pod_has_rights_that_it_does_not_need() -> None:
    for datagen in (ON, GPU):
        pod = pod_of(job_of(datagen))
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]


def test_only_ms_diffusion_is_given_a_gpu() -> None:
    values = yaml.safe_load((EXAMPLES / "msdiffusion-values.yaml").read_text(encoding="utf-8"))
    (job,) = of_kind(render(values), "Job")
    pod = pod_of(job)
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert pod["nodeSelector"] == values["datagen"]["nodeSelector"]
    assert pod["tolerations"] == values["datagen"]["tolerations"]
    plain = pod_of(job_of(ON))
    assert list(plain["containers"][0]["resources"]["limits"]) == ["memory"]
    assert not {"nodeSelector", "tolerations", "affinity", "runtimeClassName"} & set(plain)


def test_what_cannot_be_changed_in_a_job_makes_another() -> None:
    def name(datagen: dict[str, Any]) -> str:
        named: str = job_of(datagen)["metadata"]["name"]
        return named

    same = [ON, ON | {"parallelism": 2}]
    others = [ON | {"shards": 9}, ON | {"limit": 3}, ON | {"backoffLimitPerIndex": 0}]
    assert len({name(one) for one in same}) == 1
    assert len({name(one) for one in (ON, *others)}) == 4


def test_a_long_name_leaves_room_for_the_number_of_a_pod() -> None:
    values = {"fullnameOverride": "a" * 40, "datagen": ON | {"shards": 10_000}}
    (job,) = of_kind(render(values), "Job")
    assert len(f"{job['metadata']['name']}-9999") <= 63


@pytest.mark.parametrize(
    ("release", "begins"),
    [
        ("mine", "mine-kith-"),
        ("my.kith.v2", "my-kith-v2-"),
        ("2kith", "kith-2kith-"),
        ("2", "kith-2-kith-"),
        ("kith-" + "a" * 33 + "--b", "kith-" + "a" * 33 + "-"),
    ],
)
def test_whatever_the_release_is_called_its_objects_have_names_that_are_taken(
    release: str, begins: str
) -> None:
    values = ("--values", CHART / "values-pocket.yaml", "--kube-version", "1.37")
    done = run_helm("template", release, CHART, *values)
    names = [one["metadata"]["name"] for one in yaml.safe_load_all(done.stdout) if one]
    assert len(names) > 20
    for name in names:
        assert re.fullmatch("[a-z]([-a-z0-9]*[a-z0-9])?", name)  # as RFC 1035 wants a Service's
        assert name.startswith(begins)
        assert not name.removeprefix(begins).startswith("-")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("datagen.shards=0", "/datagen/shards"),
        ("datagen.engine=zork", "/datagen/engine"),
        ("datagen.engine=msdiffusion", "/datagen/seeds/claim"),
        ("datagen.shard=3", "'shard'"),
        ("zork=1", "'zork'"),
    ],
)
def test_a_wrong_value_is_refused(setting: str, said: str) -> None:
    done = run_helm("template", "mine", CHART, "--kube-version", "1.37", "--set", setting)
    assert done.returncode != 0
    assert said in done.stderr


def test_a_cluster_that_is_too_old_is_refused() -> None:
    done = run_helm("template", "mine", CHART, "--kube-version", "1.28")
    assert done.returncode != 0
    assert ">=1.29" in done.stderr


@pytest.fixture
def told(tmp_path: Path) -> Told:
    chart = Path(shutil.copytree(CHART, tmp_path / "kith"))
    # An install without a cluster is not to be had; but a template may hold another.
    note = '{{ include (print $.Template.BasePath "/NOTES.txt") . | toJson }}'
    holder = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: notes}\ndata: {notes: %s}\n"
    (chart / "templates" / "notes.yaml").write_text(holder % note, encoding="utf-8")

    def tell(values: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        objects = render(values, chart)
        (notes,) = (one for one in objects if one["metadata"]["name"] == "notes")
        objects.remove(notes)
        return notes["data"]["notes"], objects

    return tell


def test_the_notes_name_the_objects_that_are_made(told: Told) -> None:
    assert "Nothing runs" in told({})[0]
    notes, objects = told({"datagen": ON})
    for kind in ("Job", "PersistentVolumeClaim"):
        (one,) = of_kind(objects, kind)
        assert one["metadata"]["name"] in notes


def test_the_notes_do_not_say_whose_a_token_is_that_was_kept(told: Told) -> None:
    notes, _ = told(laid_over(POCKET, {"users": {"first": "ann"}}))
    assert "get secret mine-kith-users" in notes
    assert "users.first of the first install" in notes
    assert "ann" not in notes


TO_S3 = {"networkPolicy": {"egress": {"assistant": [{"ports": [{"port": 443}]}]}}}
ANYWHERE = {"networkPolicy": {"egress": {"all": [{}]}}}
OPEN = {"networkPolicy": {"enabled": False}}


@pytest.mark.parametrize(
    ("values", "value", "step", "answers"),
    [
        (
            {"qdrant": {"url": "http://there:6333"}},
            "qdrant.url",
            "qdrant.pods or networkPolicy.egress.assistant",
            [TO_S3, ANYWHERE, OPEN, {"qdrant": {"pods": {"app": "qdrant"}}}],
        ),
        (
            {"assistant": {"photos": {"url": "s3://bucket/kith"}}},
            "assistant.photos.url",
            "networkPolicy.egress.assistant",
            [TO_S3, ANYWHERE, OPEN],
        ),
        (
            {"generation": {"engine": {"url": "http://there:8000/v1"}}},
            "generation.engine.url",
            "networkPolicy.egress.generation",
            [{"networkPolicy": {"egress": {"generation": [{}]}}}, ANYWHERE, OPEN],
        ),
        (
            {"telemetry": {"endpoint": "http://collector:4317"}},
            "telemetry.endpoint",
            "networkPolicy.egress.all",
            [ANYWHERE, OPEN],
        ),
        (
            {"telemetry": {"serviceMonitor": {"enabled": True}}},
            "telemetry.serviceMonitor",
            "networkPolicy.metricsFrom",
            [{"networkPolicy": {"metricsFrom": [{"podSelector": {}}]}}, OPEN],
        ),
    ],
)
def test_the_notes_warn_of_what_no_policy_lets_through(
    told: Told, values: dict[str, Any], value: str, step: str, answers: list[dict[str, Any]]
) -> None:
    asked = laid_over(POCKET, values)
    (warning,) = warnings_of(told(asked)[0])
    assert warning.startswith(f"Warning: {value}: ")
    assert warning.endswith(f"; set {step}")
    for answer in answers:
        assert warnings_of(told(laid_over(asked, answer))[0]) == []


def warnings_of(notes: str) -> list[str]:
    return [line for line in notes.splitlines() if line.startswith("Warning: ")]


def test_the_whole_products_need_no_warning(told: Told) -> None:
    for values in (POCKET, FULL):
        assert warnings_of(told(values)[0]) == []
