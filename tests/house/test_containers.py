"""The images and their composition, read closely: there is nothing here to build them with."""

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from kith.cli.server import SERVED
from kith.local import server_module
from tests.house.test_layout import requirements_of

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["assistant", "detection", "embedding", "generation", "gateway", "datagen", "evaluation"]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
CALLED = {
    "gateway": ["assistant"],
    "assistant": ["detection", "embedding", "generation"],
    "datagen": ["embedding"],
}
HEAVY = {
    **{name: name for name in ("fastapi", "fsspec", "mcp", "openai", "scipy", "torch")},
    **{name: name for name in ("torchvision", "transformers", "ultralytics", "uvicorn")},
    **{"open-clip-torch": "open_clip", "qdrant-client": "qdrant_client"},
    "qdrant-edge-py": "qdrant_edge",
}
"""Packages that not every service installs, and their modules."""
LIBRARIES = {
    "datagen": "apt-get update && apt-get install -y --no-install-recommends "
    "libegl1 libexpat1 libgl1  && rm -rf /var/lib/apt/lists/*"
}
"""What an image adds to its base, since a wheel is linked with it."""
BUILDERS = re.compile(r"\b(?:pip|apt|apt-get|gcc|make|curl|wget|git)\b")


def dockerfile(service: str) -> str:
    alone = ("datagen", "evaluation")
    return f"{service}/service/Dockerfile" if service in alone else f"services/{service}/Dockerfile"


def steps(service: str) -> list[list[tuple[str, str]]]:
    """A Dockerfile's stages, each as its instructions and what they are given."""
    text = (ROOT / dockerfile(service)).read_text(encoding="utf-8")
    lines = re.sub(r"^#.*\n|\\\n", "", text, flags=re.MULTILINE).splitlines()
    stages: list[list[tuple[str, str]]] = []
    for line in filter(None, lines):
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            stages.append([])
        stages[-1].append((instruction, rest))
    return stages


def given(stage: list[tuple[str, str]], instruction: str) -> list[str]:
    return [rest for name, rest in stage if name == instruction]


def settings_of(service: str) -> type[BaseSettings]:
    module, _, name = SERVED[service].settings.partition(":")  # type: ignore[index]
    settings: type[BaseSettings] = getattr(server_module(module), name)
    return settings


def environment(service: str) -> dict[str, str]:
    """What an image and the composition set together."""
    variables = dict(
        pair.split("=", 1) for rest in given(steps(service)[-1], "ENV") for pair in rest.split()
    )
    return variables | COMPOSE["services"][service].get("environment", {})


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
    *_, last = steps(service)
    assert given(last, "USER") == ["10001"]
    assert last.index(("USER", "10001")) > max(
        i for i, (name, _) in enumerate(last) if name in ("RUN", "COPY")
    )
    runs = [rest for rest in given(last, "RUN") if rest != LIBRARIES.get(service)]
    assert not [rest for rest in runs if BUILDERS.search(rest)]
    assert json.loads(given(last, "ENTRYPOINT")[0]) == ["kith", "serve", service]
    for stage in steps(service):
        assert re.fullmatch(r"python:3\.11-slim(?: AS build)?", given(stage, "FROM")[0])


@pytest.mark.parametrize("service", SERVICES)
def test_what_an_image_copies_is_there_and_sent_to_the_build(service: str) -> None:
    for stage in steps(service):
        for rest in given(stage, "COPY"):
            if rest.startswith("--from=build"):
                continue
            *sources, _ = rest.split()
            assert sources
            assert [source for source in sources if not (ROOT / source).exists()] == []
            assert [source for source in sources if not is_sent(source)] == []


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_its_own_extra(service: str) -> None:
    (install,) = (rest for rest in given(steps(service)[0], "RUN") if "pip install" in rest)
    assert f"'.[{service}]'" in install
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
    port = str(chosen.port)
    *_, last = steps(service)
    assert given(last, "EXPOSE") == [port]
    assert f"127.0.0.1:{port}" in given(last, "HEALTHCHECK")[0]
    for other in CALLED.get(service, ()):
        assert (
            getattr(chosen, other) == f"{other}:{settings_of(other).model_fields['port'].default}"
        )


def test_the_composition_is_of_every_service_each_closed_in() -> None:
    services = COMPOSE["services"]
    assert set(SERVICES) == {name for name, service in services.items() if "build" in service}
    for name in SERVICES:
        service = services[name]
        assert service["build"]["dockerfile"] == dockerfile(name)
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "/tmp" in service["tmpfs"]
    open_ones = ["gateway", "datagen", "evaluation"]
    assert [name for name in services if "ports" in services[name]] == open_ones
    published = [port for name in open_ones for port in services[name]["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert {name for name in services if "profiles" in services[name]} == {
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
    without = [*foreign, "pocket", *(["memory_db"] if service != "assistant" else [])]
    code = (
        "import importlib, sys\n"
        f"for name in {without}: sys.modules[name] = None\n"
        f"importlib.import_module({SERVED[service].serve!r})\n"  # type: ignore[index]
        "import kith.cli.app, services.runtime.probe, services.runtime.logs\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
