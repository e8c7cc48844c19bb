"""The images and their composition are of every service, each closed in and with what it needs."""

import importlib
import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from kith.cli.server import SERVED, TRAINED_SERVED
from tests.house.test_layout import requirements_of
from tests.images import ROOT, given, last, steps, variables

SERVED_AS = {
    **{name: SERVED[name] for name in ("gateway", "assistant", "detection", "embedding")},
    **{name: SERVED[name] for name in ("generation", "datagen", "evaluation")},
    "baselines": TRAINED_SERVED["assistant"],
}
SERVICES = list(SERVED_AS)
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
CALLED = {
    "gateway": ["assistant"],
    "assistant": ["detection", "embedding", "generation"],
    "datagen": ["embedding"],
    "baselines": ["detection", "embedding"],
}
HEAVY = {
    **{name: name for name in ("fastapi", "fsspec", "mcp", "openai", "scipy", "torch")},
    **{name: name for name in ("torchvision", "transformers", "ultralytics", "uvicorn")},
    **{"open-clip-torch": "open_clip", "qdrant-client": "qdrant_client"},
    "qdrant-edge-py": "qdrant_edge",
}
"""Packages that not every service installs, and their modules."""
LIBRARIES = {
    "datagen": "libegl1 libexpat1 libgl1",  # Skia's wheel is linked with them
    "detection": "libgl1 libglib2.0-0 libsm6 libxext6",  # OpenCV's
}
"""Packages that an image adds to its base."""
INSTALL = (
    "apt-get update && apt-get install -y --no-install-recommends {} && rm -rf /var/lib/apt/lists/*"
)
BUILDERS = re.compile(r"\b(?:pip|apt|apt-get|gcc|make|curl|wget|git)\b")


def settings_of(service: str) -> type[BaseSettings]:
    module, _, name = SERVED_AS[service].settings.partition(":")
    settings: type[BaseSettings] = getattr(importlib.import_module(module), name)
    return settings


def environment(service: str) -> dict[str, str]:
    """What an image and the composition set together."""
    return variables(service) | COMPOSE["services"][service].get("environment", {})


def is_sent(path: str) -> bool:
    """Whether .dockerignore lets a path into the build."""
    sent = False
    for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines():
        pattern = line.removeprefix("!")
        if line and (fnmatch(path, pattern) or path.startswith(f"{pattern}/")):
            sent = line.startswith("!")
    return sent


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_runs_as_nobody_with_nothing_that_builds(service: str) -> None:
    made = steps(service)
    assert given(made, "FROM") == ["python:3.11-slim AS run", f"run AS {service}"]
    assert given(made, "USER") == ["10001"]
    assert made.index(("USER", "10001")) > max(
        i for i, (name, _) in enumerate(made) if name in ("RUN", "COPY")
    )
    runs = (" ".join(rest.split()) for rest in given(made, "RUN"))
    builds = [rest for rest in runs if BUILDERS.search(rest)]
    assert builds == [INSTALL.format(LIBRARIES[one]) for one in (service,) if one in LIBRARIES]
    served = "assistant" if service == "baselines" else service
    assert json.loads(last(made, "ENTRYPOINT")) == ["kith", "serve", served]


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_image_copies_is_there_and_sent_to_the_build(service: str) -> None:
    built = f"--from=build-{service} /venv /venv"
    copied = given(steps(service), "COPY")
    assert built in copied
    for rest in {*copied, *given(steps(f"build-{service}"), "COPY")} - {built}:
        *sources, _ = rest.split()
        assert sources
        assert [source for source in sources if not (ROOT / source).exists()] == []
        assert [source for source in sources if not is_sent(source)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_its_own_extra(service: str) -> None:
    build = steps(f"build-{service}")
    assert given(build, "FROM") == ["python:3.11-slim AS build", f"build AS build-{service}"]
    (install,) = (rest for rest in given(build, "RUN") if "pip install" in rest)
    extras = f"{service},s3" if service == "assistant" else service
    assert install.endswith(f"'.[{extras}]'")
    assert "-c constraints.txt" in install
    assert requirements_of(service)


@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_is_a_setting_and_its_value_is_understood(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(service)
    variables = environment(service)
    ours = {name for name in variables if name.startswith("KITH_")}
    assert {name.removeprefix("KITH_").lower() for name in ours} <= set(settings.model_fields)
    for name in ours:
        # ${NAME:-default}, as it is where nothing is set
        value = re.sub(r"\$\{\w+:-(.*?)\}", r"\1", variables[name])
        monkeypatch.setenv(name, value)
    chosen: Any = settings()
    assert chosen.host == "0.0.0.0"
    assert chosen.port == settings.model_fields["port"].default
    made = steps(service)
    assert given(made, "EXPOSE") == ["$KITH_PORT"]
    assert "127.0.0.1:$KITH_PORT" in last(made, "HEALTHCHECK")
    for other in CALLED.get(service, ()):
        assert (
            getattr(chosen, other) == f"{other}:{settings_of(other).model_fields['port'].default}"
        )


def test_the_composition_is_of_every_service_each_closed_in() -> None:
    services = COMPOSE["services"]
    assert set(SERVICES) == {name for name, service in services.items() if "build" in service}
    for name in SERVICES:
        service = services[name]
        assert service["build"] == {"context": ".", "target": name}
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "/tmp" in service["tmpfs"]
    open_ones = ["gateway", "datagen", "evaluation"]
    assert [name for name in services if "ports" in services[name]] == open_ones
    published = [port for name in open_ones for port in services[name]["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert {name for name in services if "profiles" in services[name]} == {
        "baselines",
        "datagen",
        "evaluation",
        "qdrant",
        "vllm",
    }


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_without_what_only_others_install(service: str) -> None:
    foreign = {
        module for package, module in HEAVY.items() if package not in requirements_of(service)
    }
    holds_a_memory = service in ("assistant", "baselines")
    without = [*foreign, "pocket", *([] if holds_a_memory else ["memory_db"])]
    code = (
        "import importlib, sys\n"
        f"for name in {without}: sys.modules[name] = None\n"
        f"importlib.import_module({SERVED_AS[service].serve!r})\n"
        "import kith.cli.app, services.runtime.probe, services.runtime.logs\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
