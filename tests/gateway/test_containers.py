"""The gateway's container, and what stands in the composition for an operator to choose."""

import re
import subprocess

import httpx
import pytest
import yaml

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from tests.images import ROOT, last, steps, variables

SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


async def test_other_containers_may_call_the_gateway_by_its_name() -> None:
    (name,) = re.findall(r":-(.*)}", SERVICES["gateway"]["environment"]["KITH_HOSTS"])
    app = httpx.ASGITransport(create_app(GatewaySettings(host="0.0.0.0", hosts=(name,))))
    async with httpx.AsyncClient(transport=app, base_url="http://gateway:7460") as client:
        assert (await client.get("/docs")).status_code == 200


@pytest.mark.parametrize(
    ("service", "names"),
    [
        ("gateway", ["KITH_ASSISTANT", "KITH_ASSISTANTS", "KITH_HOSTS", "KITH_ORIGINS"]),
        ("assistant", ["KITH_METHOD", "KITH_MEMORY_URL", "KITH_MEMORY_KEY"]),
        ("generation", [f"KITH_GENERATION_{what}" for what in ("URL", "KEY", "MODEL")]),
    ],
)
def test_what_is_a_word_is_chosen_without_an_edit(service: str, names: list[str]) -> None:
    given = SERVICES[service]["environment"]
    assert [name for name in names if not given[name].startswith(f"${{{name}:-")] == []


def test_the_engine_is_closed_in_like_the_others_and_draws_as_it_is_told() -> None:
    vllm = SERVICES["vllm"]
    assert "--generation-config=vllm" in vllm["command"]
    assert vllm["read_only"] is True
    assert vllm["cap_drop"] == ["ALL"]
    assert vllm["user"] == "10001"
    assert vllm["networks"] == ["inside"]


@pytest.mark.parametrize(("certificate", "scheme"), [("", "http"), ("/run/kith/cert", "https")])
def test_the_health_check_speaks_as_the_gateway_does(certificate: str, scheme: str) -> None:
    check = last(steps("gateway"), "HEALTHCHECK").partition(" CMD ")[2]
    own = {"KITH_TLS_CERT": certificate, "PATH": "/usr/bin:/bin"}
    asked = ["sh", "-c", check.replace("python -P -m", "echo")]
    done = subprocess.run(
        asked, env=variables("gateway") | own, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[1] == f"{scheme}://127.0.0.1:7460/readyz"
