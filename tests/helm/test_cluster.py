"""The chart on a cluster: what its operator does in the first hours, by values-pocket.yaml.

Skipped unless KITH_CLUSTER is the kubeconfig of a cluster whose nodes have the images, whose
network knows policies, and that hands out volumes. It works in a namespace of its own, which it
deletes.
"""

import base64
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import openai
import pytest

from kith import Client
from kith.errors import Unauthenticated, Unavailable
from tests.helm.charts import CHART, helm, skipped_without
from tests.runtime.certificates import Authority

CONFIG: Final = os.environ.get("KITH_CLUSTER", "")
NAMESPACE: Final = "kith-chart-test"
WHERE: Final = ("--kubeconfig", CONFIG, "--namespace", NAMESPACE)
PORTS: Final = {
    **{"gateway": 7460, "assistant": 7450},
    **{"detection": 7451, "embedding": 7452, "generation": 7453},
}
PARTS: Final = tuple(PORTS)
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
    return run("kubectl", *WHERE, *arguments)


def helm_at(verb: str, *arguments: str) -> str:
    return run("helm", *WHERE, verb, "mine", *arguments)


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
    with subprocess.Popen(
        ["kubectl", *WHERE, "port-forward", f"service/mine-kith-{service}", f":{port}"],
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
def memory(authority: Path | None = None) -> Iterator[Client]:
    with (
        forwarded("assistant", PORTS["assistant"]) as address,
        Client(address, user="me", token=token(), tls_ca=authority) as client,
    ):
        yield client


def reached(call: Callable[[], object]) -> bool:
    """Whether a call ends well, once the cluster's names, kept for seconds, are those of pods."""
    until = time.monotonic() + 40
    while time.monotonic() < until:
        with suppress(Unavailable):
            if call():
                return True
        time.sleep(1)
    return False


def names() -> set[str]:
    with memory() as client:
        return {concept.display_name for concept in client.list_concepts()}


@pytest.fixture(scope="module", autouse=True)
def release() -> Iterator[None]:
    """The chart, installed, and `<bo>` remembered in it."""
    try:
        upgrade()
        with memory() as client:
            assert reached(lambda: client.remember("bo", PICTURES / "bo.png", category="dog"))
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
    with forwarded("gateway", PORTS["gateway"]) as address:
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


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_beside_the_release_reaches_its_doors_alone(
    calls: Callable[[str, int], str], part: str
) -> None:
    address = kubectl(
        *("get", "pods", "--selector", f"app.kubernetes.io/component={part}", "--output"),
        "jsonpath={.items[0].status.podIP}",
    )
    told = calls(address, PORTS[part])
    assert (told == "connected") is (part in ("gateway", "assistant"))


@pytest.mark.parametrize("part", PARTS)
def test_a_pod_is_nobody_and_writes_not_to_its_root(part: str) -> None:
    ran = kubectl("exec", f"deployment/mine-kith-{part}", "--", "python", "-c", HOW_A_POD_RUNS)
    assert ran.split("\n") == ["10001 False Read-only file system", "0000000000000000", ""]


def test_the_memory_outlives_the_assistants_pod() -> None:
    kubectl("delete", "pod", "--selector", "app.kubernetes.io/component=assistant")
    kubectl("rollout", "status", "deployment/mine-kith-assistant", "--timeout", "300s")
    assert names() == {"bo"}


def test_an_upgrade_keeps_tokens_and_calls_go_to_every_pod() -> None:
    before = token()
    upgrade("--set", "embedding.replicas=2,connectionAgeS=10")
    assert token() == before
    with memory() as client:
        for _ in range(30):
            assert reached(lambda: client.retrieve(PICTURES / "both.png"))
            time.sleep(0.7)
    of_embedding = ("--selector", "app.kubernetes.io/component=embedding")
    pods = kubectl("get", "pods", *of_embedding, "--output", "jsonpath={.items[*].metadata.name}")
    logged = kubectl("logs", *of_embedding, "--prefix", "--tail", "-1")
    asked = set(re.findall(r"pod/(\S+?)/\S+\].*Embed", logged))
    assert len(pods.split()) == 2
    assert asked >= set(pods.split())


def test_with_certificates_all_of_it_speaks_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    pair = authority.pair("kith", *(f"mine-kith-{part}" for part in PARTS))
    files = {"tls.crt": pair.cert, "tls.key": pair.key, "ca.crt": authority.cert}
    given = [f"--from-file={name}={path}" for name, path in files.items()]
    kubectl("create", "secret", "generic", "certificates", *given)
    upgrade("--set", "tls.secret=certificates")
    with memory(authority.cert) as client:
        assert reached(
            lambda: client.ask("Is <bo> there?", PICTURES / "both.png").text.startswith("Yes")
        )
    with memory() as client, pytest.raises(Unavailable):
        client.list_concepts()


def test_one_that_is_taken_away_and_installed_again_remembers() -> None:
    before = token()
    helm_at("uninstall", "--wait")
    upgrade()
    assert token() == before
    assert names() == {"bo"}
