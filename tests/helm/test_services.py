"""The services in a cluster: closed in, probed, and never two where there may be but one."""

import shutil
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from kith.v1 import assistant_pb2, detection_pb2, embedding_pb2, generation_pb2
from services.runtime.server import LIVE
from tests.helm.charts import (
    CHART,
    EVERYTHING,
    FULL,
    POCKET,
    container_of,
    helm,
    laid_over,
    named,
    of_kind,
    render,
    run_helm,
    variables_of,
)

SERVED = {
    "assistant": assistant_pb2.DESCRIPTOR.services_by_name["Assistant"],
    "detection": detection_pb2.DESCRIPTOR.services_by_name["Detection"],
    "embedding": embedding_pb2.DESCRIPTOR.services_by_name["Embedding"],
    "words": embedding_pb2.DESCRIPTOR.services_by_name["Embedding"],
    "generation": generation_pb2.DESCRIPTOR.services_by_name["Generation"],
    "yollava-s": assistant_pb2.DESCRIPTOR.services_by_name["Assistant"],
    "myvlm": assistant_pb2.DESCRIPTOR.services_by_name["Assistant"],
}
CLEAR = laid_over(EVERYTHING, {"tls": {"secret": ""}})


@helm
@pytest.mark.parametrize("values", ["values.yaml", "values-pocket.yaml", "values-full.yaml"])
def test_helm_finds_nothing_to_complain_about(values: str) -> None:
    done = run_helm("lint", "--strict", CHART, "--values", CHART / values, "--kube-version", "1.37")
    assert done.returncode == 0, done.stdout


@helm
@pytest.mark.parametrize("values", [POCKET, FULL, EVERYTHING])
def test_what_is_made_is_valid(values: dict[str, Any]) -> None:
    assert render(values)


@helm
def test_pocket_is_the_whole_product_without_a_gpu() -> None:
    deployments = named(render(POCKET), "Deployment")
    assert set(deployments) == {"gateway", "assistant", "detection", "embedding", "generation"}
    for one in deployments.values():
        pod = one["spec"]["template"]["spec"]
        assert "nodeSelector" not in pod
        assert set(container_of(one)["resources"]["limits"]) == {"memory"}


@helm
def test_no_pod_has_rights_that_it_does_not_need() -> None:
    objects = render(EVERYTHING)
    workloads = [one for one in objects if one["kind"] in ("Deployment", "Job")]
    assert len(workloads) == 11
    for one in workloads:
        pod = one["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["enableServiceLinks"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] == 10001
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(pod)
        assert not [volume for volume in pod["volumes"] if "hostPath" in volume]
        assert container_of(one)["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert container_of(one)["resources"]["limits"]["memory"]
        assert "tmp" in {mount["name"] for mount in container_of(one)["volumeMounts"]}
        assert variables_of(one)["HOME"] in ("/tmp", "/cache")  # what libraries write beside


@helm
def test_each_service_is_probed_by_a_name_that_it_answers_to() -> None:
    deployments = named(render(CLEAR), "Deployment")
    assert set(deployments) == {"gateway", "vllm", *SERVED}
    for name, served in SERVED.items():
        container = container_of(deployments[name])
        port = next(one["containerPort"] for one in container["ports"] if one["name"] == "grpc")
        assert container["readinessProbe"]["grpc"] == {"port": port, "service": served.full_name}
        for probe in ("startupProbe", "livenessProbe"):
            assert container[probe]["grpc"] == {"port": port, "service": LIVE}
    gateway = container_of(deployments["gateway"])
    assert gateway["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert gateway["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for one in deployments.values():
        liveness = container_of(one)["livenessProbe"]
        assert liveness["periodSeconds"] * liveness["failureThreshold"] >= 120


@helm
def test_with_certificates_no_probe_is_in_the_clear() -> None:
    for name, one in named(render(EVERYTHING), "Deployment").items():
        container = container_of(one)
        if name == "vllm":  # it has none
            continue
        probe = container["readinessProbe"]
        if name == "gateway":
            assert probe["httpGet"]["scheme"] == "HTTPS"
        else:
            (port,) = (p["containerPort"] for p in container["ports"] if p["name"] == "grpc")
            command = probe["exec"]["command"]
            assert command[:2] == ["env", "KITH_TLS_CA=/run/kith/tls/ca.crt"]
            assert command[-2:] == ["services.runtime.probe", f"127.0.0.1:{port}"]
            mounts = {one["mountPath"] for one in container["volumeMounts"]}
            assert "/run/kith/tls" in mounts
            assert container["livenessProbe"]["tcpSocket"] == {"port": port}


@helm
def test_a_pod_that_stops_is_given_longer_than_its_calls() -> None:
    for one in of_kind(render(FULL | {"graceS": 90}), "Deployment"):
        pod = one["spec"]["template"]["spec"]
        assert pod["terminationGracePeriodSeconds"] > 95


@helm
def test_callers_of_a_stage_see_all_its_pods_and_nobody_outside_sees_any() -> None:
    services = named(render(EVERYTHING), "Service")
    assert set(services) == {"gateway", "gateway-metrics", "vllm", *SERVED}
    for name in ("gateway-metrics", *SERVED):
        assert services[name]["spec"]["clusterIP"] == "None"
    assert services["vllm"]["spec"]["type"] == "ClusterIP"
    (ingress,) = of_kind(render(EVERYTHING), "Ingress")
    (rule,) = ingress["spec"]["rules"]
    assert [path["backend"]["service"]["name"] for path in rule["http"]["paths"]] == [
        "mine-kith-gateway"
    ]


BACKEND = "nginx.ingress.kubernetes.io/backend-protocol"


@helm
@pytest.mark.parametrize(
    ("secret", "given", "port", "told"),
    [
        ("", {}, {"name": "http"}, None),
        ("", {"mine": "1"}, {"name": "http"}, {"mine": "1"}),
        ("own", {}, {"name": "https", "appProtocol": "https"}, {BACKEND: "HTTPS"}),
        ("own", {BACKEND: "GRPCS"}, {"name": "https", "appProtocol": "https"}, {BACKEND: "GRPCS"}),
    ],
)
def test_an_ingress_speaks_to_the_gateway_as_the_gateway_does(
    secret: str, given: dict[str, str], port: dict[str, str], told: dict[str, str] | None
) -> None:
    ingress = {"enabled": True, "host": "kith.example", "annotations": given}
    objects = render(
        laid_over(POCKET, {"tls": {"secret": secret}, "gateway": {"ingress": ingress}})
    )
    (served,) = named(objects, "Service")["gateway"]["spec"]["ports"]
    assert served == {"port": 7460, "targetPort": port["name"]} | port
    (made,) = of_kind(objects, "Ingress")
    assert made["metadata"].get("annotations") == told
    (rule,) = made["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["port"] == {"name": port["name"]}


@helm
def test_every_service_selects_pods_and_ports_that_there_are() -> None:
    objects = render(EVERYTHING)
    deployments = named(objects, "Deployment")
    ports: dict[str, set[str]] = defaultdict(set)
    for kind in ("Service", "PodDisruptionBudget"):
        found = set()
        for one in of_kind(objects, kind):
            part = one["metadata"]["labels"]["app.kubernetes.io/component"]
            pods = deployments[part]["spec"]["template"]["metadata"]["labels"]
            selector = one["spec"]["selector"]
            assert (selector.get("matchLabels") or selector) == pods
            found.add(part)
            ports[part] |= {port["targetPort"] for port in one["spec"].get("ports", [])}
        assert found == set(deployments)
    for part, one in deployments.items():
        assert {port["name"] for port in container_of(one)["ports"]} == ports[part]
    for name, scaler in named(objects, "HorizontalPodAutoscaler").items():
        assert scaler["spec"]["scaleTargetRef"]["name"] == f"mine-kith-{name}"
        assert "replicas" not in deployments[name]["spec"]


@helm
def test_a_memory_in_a_volume_is_never_opened_twice() -> None:
    objects = render(POCKET)
    assistant = named(objects, "Deployment")["assistant"]
    assert assistant["spec"]["strategy"] == {"type": "Recreate"}
    (claim,) = of_kind(objects, "PersistentVolumeClaim")
    assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    shared = render(laid_over(FULL, {"assistant": {"replicas": 2}}))
    assert named(shared, "Deployment")["assistant"]["spec"]["replicas"] == 2
    assert of_kind(shared, "PersistentVolumeClaim") == []


@helm
@pytest.mark.parametrize(("replicas", "strategy"), [(1, "Recreate"), (2, "RollingUpdate")])
def test_an_upgrade_brings_no_second_assistant_to_one_that_is_alone(
    replicas: int, strategy: str
) -> None:
    shared = render(laid_over(FULL, {"assistant": {"replicas": replicas}}))
    assert named(shared, "Deployment")["assistant"]["spec"]["strategy"]["type"] == strategy


@helm
@pytest.mark.parametrize(
    ("qdrant", "url", "key"),
    [
        (FULL["qdrant"], "http://qdrant:6333", "qdrant-apikey"),
        ({"url": "https://there:6333"}, "https://there:6333", None),
        ({"secret": "own"}, None, None),
    ],
)
def test_the_assistant_finds_its_qdrant(
    qdrant: dict[str, Any], url: str | None, key: str | None
) -> None:
    told = variables_of(named(render(POCKET | {"qdrant": qdrant}), "Deployment")["assistant"])
    assert told.get("KITH_MEMORY_URL") == url
    wanted = key and {"secretKeyRef": {"name": key, "key": "api-key"}}
    assert told.get("KITH_MEMORY_KEY") == wanted


@helm
def test_the_engine_has_a_card_shared_memory_and_its_models() -> None:
    vllm = named(render(FULL), "Deployment")["vllm"]
    pod = vllm["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"nvidia.com/gpu.present": "true"}
    assert pod["tolerations"][0]["key"] == "nvidia.com/gpu"
    assert container_of(vllm)["resources"]["limits"]["nvidia.com/gpu"] == 1
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    mounts = {mount["mountPath"]: mount for mount in container_of(vllm)["volumeMounts"]}
    assert volumes[mounts["/dev/shm"]["name"]]["emptyDir"]["medium"] == "Memory"
    assert volumes[mounts["/models"]["name"]]["persistentVolumeClaim"]["claimName"] == "kith-models"
    assert not mounts["/cache"].get("readOnly")
    model, *options = container_of(vllm)["args"]
    assert model == "/models/llava-1.5-7b-hf"
    assert "--generation-config=vllm" in options
    assert not [option for option in options if "key" in option]


@helm
def test_another_chat_template_rolls_the_engines_pod(tmp_path: Path) -> None:
    def summed(chart: Path) -> str:
        vllm = named(render(FULL, chart), "Deployment")["vllm"]
        found: str = vllm["spec"]["template"]["metadata"]["annotations"]["checksum/template"]
        return found

    changed = Path(shutil.copytree(CHART, tmp_path / "changed"))
    (changed / "files" / "llava_v1.jinja").write_text("{{ messages }}", encoding="utf-8")
    assert summed(changed) != summed(CHART)
    bare = laid_over(FULL, {"vllm": {"chatTemplate": ""}})
    metadata = named(render(bare), "Deployment")["vllm"]["spec"]["template"]["metadata"]
    assert "annotations" not in metadata


@helm
def test_a_method_that_trains_has_a_card_beside_the_full_size_models() -> None:
    deployments = named(render(laid_over(FULL, {"baselines": {"enabled": True}})), "Deployment")
    pods = [deployments[part]["spec"]["template"]["spec"] for part in ("yollava-s", "vllm")]
    for asked in ("nodeSelector", "tolerations"):
        assert pods[0][asked] == pods[1][asked]
    resources = container_of(deployments["yollava-s"])["resources"]
    assert resources == container_of(deployments["vllm"])["resources"]


@helm
def test_the_engines_options_are_those_of_the_page_on_deployment() -> None:
    text = (CHART.parents[1] / "docs" / "deploy.md").read_text(encoding="utf-8")
    command = text.partition("vllm serve DIR/llava-1.5-7b-hf")[2].partition("```")[0]
    told = {word.partition("=")[0] for word in command.split() if word.startswith("--")}
    vllm = container_of(named(render(FULL), "Deployment")["vllm"])
    given = {word.partition("=")[0] for word in vllm["args"][1:]}
    assert told - given == {"--api-key"}  # which comes by a variable
    assert given <= told


@helm
def test_a_reader_finds_the_engine_and_shows_its_key() -> None:
    told = variables_of(named(render(FULL), "Deployment")["generation"])
    assert told["KITH_GENERATION_URL"] == "http://mine-kith-vllm:8000/v1"
    assert told["KITH_GENERATION_MODEL"] == "llava-1.5-7b"
    vllm = variables_of(named(render(FULL), "Deployment")["vllm"])
    assert told["KITH_GENERATION_KEY"] == vllm["VLLM_API_KEY"]
    engine = {"generation": {"engine": {"url": "http://there/v1", "secret": "own"}}}
    other = variables_of(named(render(laid_over(POCKET, engine)), "Deployment")["generation"])
    assert other["KITH_GENERATION_URL"] == "http://there/v1"
    assert other["KITH_GENERATION_KEY"] == {"secretKeyRef": {"name": "own", "key": "api-key"}}


@helm
def test_a_language_model_without_an_engine_may_be_scaled() -> None:
    scaled = laid_over(POCKET, {"generation": {"autoscaling": {"enabled": True}}})
    assert set(named(render(scaled), "HorizontalPodAutoscaler")) == {"generation"}
