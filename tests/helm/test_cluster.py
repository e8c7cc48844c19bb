"""The chart on a cluster: what its operator does in the first hours, by values-pocket.yaml.

Skipped unless KITH_CLUSTER is the kubeconfig of a cluster whose nodes have the images, whose
network knows policies, and that hands out volumes. It works in a namespace of its own, which it
"""

import base64
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import openai
import pytest

from kith import Client
from kith.errors import Unauthenticated
from tests.helm.charts import CHART, helm, skipped_without

CONFIG: Final = os.environ.get("KITH_CLUSTER", "")
NAMESPACE: Final = "kith-chart-test"
PARTS: Final = ("assistant", "detection", "embedding", "gateway", "generation")
PORTS: Final = {"assistant": 7450, "detection": 7451, "embedding": 7452, "generation": 7453}
PICTURES: Final = CHART.parents[1] / "examples" / "pictures"
NO_CLUSTER: Final = "KITH_CLUSTER names no kubeconfig; docs/deploy.md says what the cluster needs"
HOW_A_POD_RUNS: Final = """
import os
def writes(path):
    try: open(path, "w").close()
    except OSError as error: return error.strerror
    return "writes"
print(os.getuid(), os.path.exists("/var/run/secrets/kubernetes.io"), writes("/here"))
print(next(line for line in open("/proc/self/status") if line.startswith("CapEff")).split()[1])
"""
CALLS: Final = """
import socket, sys
try: socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=5).close()
except OSError as error: print(type(error).__name__)
else: print("connected")
"""

pytestmark = [
    pytest.mark.skipif(not CONFIG, reason=NO_CLUSTER),
    pytest.mark.timeout(900),
    helm,
    skipped_without("kubectl"),
]


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def kubectl(*arguments: str) -> str:
    return run("kubectl", "--kubeconfig", CONFIG, "--namespace", NAMESPACE, *arguments)


def helm_at(verb: str, *arguments: str) -> str:
    return run("helm", "--kubeconfig", CONFIG, "--namespace", NAMESPACE, verb, "mine", *arguments)


def upgrade(*arguments: str) -> None:
    values = str(CHART / "values-pocket.yaml")
    wait = ("--wait", "--timeout", "10m")
    helm_at(
        "upgrade", str(CHART), "--install", "--create-namespace", "-f", values, *wait, *arguments
    )


def token() -> str:
    return base64.b64decode(
        kubectl("get", "secret", "mine-kith-users", "--output", "jsonpath={.data.token}")
    ).decode()


@contextmanager
def forwarded(service: str, port: int) -> Iterator[str]:
    """The address on this machine under which a service of the release is called."""
    where = ("--kubeconfig", CONFIG, "--namespace", NAMESPACE)
    with subprocess.Popen(
        ["kubectl", *where, "port-forward", f"service/mine-kith-{service}", f":{port}"],
        stdout=subprocess.PIPE,
        text=True,
    ) as forwarding:
        try:
            assert forwarding.stdout is not None
            told = re.search(r"127\.0\.0\.1:\d+", forwarding.stdout.readline())
            assert told is not None
            yield told[0]
        finally:
            forwarding.terminate()


@contextmanager
def memory() -> Iterator[Client]:
    with (
        forwarded("assistant", PORTS["assistant"]) as address,
        Client(address, user="me", token=token()) as client,
    ):
        yield client


def names() -> set[str]:
    with memory() as client:
        return {concept.name for concept in client.list_concepts()}


@pytest.fixture(scope="module", autouse=True)
def release() -> Iterator[None]:
    """The chart, installed, and `<bo>` remembered in it."""
    upgrade()
    try:
        with memory() as client:
            client.remember("bo", PICTURES / "bo.png", category="dog")
        yield
    finally:
        run("kubectl", "--kubeconfig", CONFIG, "delete", "namespace", NAMESPACE)


@pytest.fixture(scope="module")
def calls(release: None) -> Iterator[Callable[[str, int], str]]:
    """How a pod of somebody else in the namespace fares when it calls one of the release."""
    image = kubectl(
        *("get", "deployment", "mine-kith-gateway", "--output"),
        "jsonpath={.spec.template.spec.containers[0].image}",
    )
    sleep = ("--command", "--", "python", "-c", "import time; time.sleep(3600)")
    kubectl("run", "stranger", "--image", image, "--image-pull-policy", "IfNotPresent", *sleep)
    kubectl("wait", "--for=condition=Ready", "pod/stranger", "--timeout=60s")

    def call(host: str, port: int) -> str:
        return kubectl("exec", "stranger", "--", "python", "-c", CALLS, host, str(port)).strip()

    yield call
    kubectl("delete", "pod", "stranger", "--now")


def test_every_part_is_ready_and_none_was_restarted() -> None:
    told = kubectl(
        *("get", "pods", "--selector", "app.kubernetes.io/instance=mine", "--output"),
        "jsonpath={.items[*].status.containerStatuses[*]['ready', 'restartCount']}",
    )
    assert told.split() == ["true"] * len(PARTS) + ["0"] * len(PARTS)


def test_an_openai_client_is_told_who_is_there() -> None:
    photo = base64.b64encode((PICTURES / "both.png").read_bytes()).decode()
    content = [
        {"type": "text", "text": "Is <bo> in this picture?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{photo}"}},
    ]
    with forwarded("gateway", 7460) as address:
        chat = openai.OpenAI(base_url=f"http://{address}/v1", api_key=token(), max_retries=0)
        said = chat.chat.completions.create(
            model="kith",
            messages=[{"role": "user", "content": content}],  # type: ignore[list-item,misc]
        )
    assert (said.choices[0].message.content or "").startswith("Yes")


def test_nobody_comes_in_without_a_token() -> None:
    with (
        forwarded("assistant", PORTS["assistant"]) as address,
        Client(address, user="me", token="guessed") as client,
        pytest.raises(Unauthenticated),
    ):
        client.list_concepts()


@pytest.mark.parametrize(
    ("part", "port", "told"),
    [
        ("gateway", 7460, "connected"),
        ("assistant", PORTS["assistant"], "connected"),
        ("detection", PORTS["detection"], "TimeoutError"),
        ("embedding", PORTS["embedding"], "TimeoutError"),
        ("generation", PORTS["generation"], "TimeoutError"),
    ],
)
def test_a_pod_beside_the_release_reaches_its_doors_alone(
    calls: Callable[[str, int], str], part: str, port: int, told: str
) -> None:
    address = kubectl(
        *("get", "pods", "--selector", f"app.kubernetes.io/component={part}", "--output"),
        "jsonpath={.items[0].status.podIP}",
    )
    assert calls(address, port) == told


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_is_nobody_and_writes_nowhere(part: str) -> None:
    ran = kubectl("exec", f"deployment/mine-kith-{part}", "--", "python", "-c", HOW_A_POD_RUNS)
    assert ran.split("\n") == ["10001 False Read-only file system", "0000000000000000", ""]


def test_the_memory_outlives_the_assistants_pod() -> None:
    kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=assistant")
    kubectl("rollout", "status", "deployment/mine-kith-assistant", "--timeout", "300s")
    assert names() == {"bo"}


def test_an_upgrade_keeps_tokens_and_calls_go_to_every_pod() -> None:
    before = token()
    upgrade("--set", "embedding.replicas=2")
    assert token() == before
    with memory() as client:
        for _ in range(4):
            client.retrieve(PICTURES / "both.png")
    requests = kubectl(
        *("logs", "--selector", "app.kubernetes.io/component=embedding"), "--prefix", "--tail", "-1"
    )
    assert len(set(re.findall(r"pod/(mine-kith-embedding-\S+)/\S+\].*Embed", requests))) == 2


def test_one_that_is_taken_away_and_installed_again_remembers() -> None:
    before = token()
    helm_at("uninstall", "--wait")
    upgrade()
    assert token() == before
    assert names() == {"bo"}
