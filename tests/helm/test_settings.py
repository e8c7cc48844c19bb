"""What the chart tells each service is what the service reads; and what it may write, it can."""

import importlib
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from kith.cli.app import app
from kith.cli.server import SERVED, TRAINED_SERVED
from services.runtime import tracing, weights
from tests import images
from tests.helm.charts import (
    EVERYTHING,
    FULL,
    POCKET,
    container_of,
    helm,
    laid_over,
    named,
    of_kind,
    render,
    variables_of,
)

SERVICES = {
    **{name: SERVED[name] for name in ("gateway", "assistant", "detection", "embedding")},
    **{"words": SERVED["embedding"], "generation": SERVED["generation"]},
    **dict.fromkeys(("yollava-s", "myvlm"), TRAINED_SERVED["assistant"]),
}
IMAGES = {"words": "embedding", "yollava-s": "baselines", "myvlm": "baselines"}
"""Whose image a part runs, where it has none of its own."""
OTHERS = {"HOME", "KITH_TRUSTED_WEIGHTS", "OTEL_EXPORTER_OTLP_ENDPOINT"}
"""What is read beside the settings."""
READ = {"KITH_WEIGHTS", "KITH_TRUSTED_WEIGHTS", "KITH_TOKENS_FILE", "KITH_NEGATIVES"} | {
    f"KITH_TLS_{what}" for what in ("CERT", "KEY", "CA")
}
WRITTEN = {"HOME", "KITH_MEMORY"}


def settings_of(part: str) -> type[BaseSettings]:
    module, _, name = SERVICES[part].settings.partition(":")
    settings: type[BaseSettings] = getattr(importlib.import_module(module), name)
    return settings


def image_variables(part: str) -> dict[str, str]:
    """What the image sets by itself."""
    return images.variables(IMAGES.get(part, part))


def told(part: str, values: dict[str, Any]) -> dict[str, str]:
    """A pod's variables, with a word in place of each secret."""
    given = variables_of(named(render(values), "Deployment")[part])
    known = {name: "a-secret" if isinstance(it, dict) else it for name, it in given.items()}
    return image_variables(part) | known


def parts_of(values: dict[str, Any]) -> list[str]:
    return [name for name in named(render(values), "Deployment") if name != "vllm"]


@helm
@pytest.mark.parametrize("values", [POCKET, FULL, EVERYTHING])
def test_every_variable_is_a_setting_and_its_value_is_understood(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in parts_of(values):
        settings, variables = settings_of(part), told(part, values)
        ours = {name for name in variables if name.startswith("KITH_")} - OTHERS
        assert {name.removeprefix("KITH_").lower() for name in ours} <= set(settings.model_fields)
        with monkeypatch.context() as patch:
            for name in ours:
                patch.setenv(name, variables[name])
            chosen: Any = settings()
        assert chosen.host == "0.0.0.0"
        deployment = container_of(named(render(values), "Deployment")[part])
        ports = {port["name"]: port["containerPort"] for port in deployment["ports"]}
        (served,) = ports.keys() & {"http", "https", "grpc"}
        assert ports.pop(served) == chosen.port
        assert ports.pop("metrics", None) == chosen.metrics_port
        further = getattr(chosen, "further_methods", {})
        assert ports == {f"grpc-{method}": port for method, port in further.items()}


def read_by(command: Any) -> set[str]:  # noqa: ANN401 - a command of click, or a group of them
    """The variables that a command reads, and those below it."""
    own = {one.envvar for one in command.params if one.envvar}
    return own.union(*map(read_by, getattr(command, "commands", {}).values()))


@helm
def test_every_variable_of_a_job_is_one_that_the_program_reads() -> None:
    known, found = read_by(get_command(app)), set()
    for job in of_kind(render(EVERYTHING), "Job"):
        found |= {name for name in variables_of(job) if name.startswith("KITH_")}
    assert {"KITH_TOKEN"} < found <= known


def test_what_is_read_beside_the_settings_is_read() -> None:
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in tracing._ENDPOINTS
    text = Path(weights.__file__).read_text(encoding="utf-8")
    assert 'os.environ.get("KITH_TRUSTED_WEIGHTS")' in text


def listed() -> dict[str, set[str]]:
    """The variables of the table in docs/operate.md, and who reads each."""
    text = (images.ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    found: dict[str, set[str]] = defaultdict(set)
    for name, readers in re.findall(r"^\| `(KITH_\w+)` \|[^|]*\| ([^|]*) \|", text, re.MULTILINE):
        found[name] |= set(readers.split(", "))
    return found


@helm
def test_every_setting_is_set_by_the_chart_or_listed_for_env() -> None:
    """Which `env` is for, as docs/deploy.md tells: so there is none that an operator can't set."""
    known = listed()
    for part in SERVICES:
        service = "assistant" if SERVICES[part] in TRAINED_SERVED.values() else part
        readers = {"all", IMAGES.get(service, service)}
        settings = {f"KITH_{field.upper()}" for field in settings_of(part).model_fields}
        left = settings - told(part, EVERYTHING).keys()
        assert {name for name in left if not known[name] & readers} == set(), part


@helm
def test_what_stands_in_env_stands_above_the_charts_own() -> None:
    env = {
        part: {f"KITH_{field.upper()}": f"of-{part}" for field in settings_of(part).model_fields}
        for part in SERVICES
    }
    # The two baselines are told the same.
    over = {part: {"env": given} for part, given in env.items() if part not in IMAGES}
    over["words"] = {"env": env["words"]}
    over["baselines"] = {"env": env["yollava-s"]}
    deployments = named(render(laid_over(EVERYTHING, over)), "Deployment")
    for part, given in env.items():
        variables = variables_of(deployments[part])
        for name in given:
            assert variables[name] == f"of-{'yollava-s' if part == 'myvlm' else part}"
    secret = {"secretKeyRef": {"name": "own", "key": "url"}}
    asked = laid_over(POCKET, {"assistant": {"env": {"KITH_PHOTOS": secret, "KITH_METHOD": "rap"}}})
    variables = variables_of(named(render(asked), "Deployment")["assistant"])
    assert (variables["KITH_PHOTOS"], variables["KITH_METHOD"]) == (secret, "rap")


@helm
@pytest.mark.parametrize(
    ("given", "told"),
    [(1_000_000, "1000000"), (20, "20"), (0.25, "0.25"), (True, "true")],
)
def test_a_number_reaches_a_service_as_it_was_written(given: object, told: str) -> None:
    asked = laid_over(POCKET, {"gateway": {"env": {"KITH_UPLOADS_MIB": given}}})
    variables = variables_of(named(render(asked), "Deployment")["gateway"])
    assert variables["KITH_UPLOADS_MIB"] == told


@helm
def test_callers_are_told_addresses_that_there_are() -> None:
    objects = render(EVERYTHING)
    listening = {
        f"{name}:{port['port']}"
        for name, service in named(objects, "Service").items()
        for port in service["spec"]["ports"]
    }
    found = 0
    for one in named(objects, "Deployment").values():
        for value in variables_of(one).values():
            for address in re.findall(r"mine-kith-([\w-]+:\d+)", str(value)):
                assert address in listening
                found += 1
    assert found >= 12
    assert variables_of(named(objects, "Deployment")["gateway"])["KITH_ASSISTANTS"] == (
        "rap=mine-kith-assistant:7455,yollava-s=mine-kith-yollava-s:7450,myvlm=mine-kith-myvlm:7450"
    )


def mount_of(path: str, container: dict[str, Any]) -> dict[str, Any] | None:
    """The volume that a path lies in; the deepest, as in a pod."""
    mounts = {PurePosixPath(mount["mountPath"]): mount for mount in container["volumeMounts"]}
    for folder in (PurePosixPath(path), *PurePosixPath(path).parents):
        if folder in mounts:
            found: dict[str, Any] = mounts[folder]
            return found
    return None


@helm
@pytest.mark.parametrize("values", [POCKET, EVERYTHING])
def test_what_a_service_writes_lies_in_a_volume_and_all_else_is_only_read(
    values: dict[str, Any],
) -> None:
    deployments = named(render(values), "Deployment")
    for part in parts_of(values):
        container, variables = container_of(deployments[part]), told(part, values)
        paths = {name for name, value in variables.items() if value.startswith("/")}
        assert paths - {"PATH", "YOLO_CONFIG_DIR"} <= READ | WRITTEN
        elsewhere = {"KITH_MEMORY_URL", "KITH_PHOTOS"} <= variables.keys()
        for name in paths & WRITTEN:
            mount = mount_of(variables[name], container)
            assert (mount is None) is (name == "KITH_MEMORY" and elsewhere)
            assert not (mount or {}).get("readOnly")
        for name in paths & READ:
            mount = mount_of(variables[name], container)
            in_image = mount is None and variables[name] == image_variables(part).get(name)
            assert in_image or (mount or {}).get("readOnly")
        assert not mount_of("/tmp", container).get("readOnly")  # type: ignore[union-attr]


@helm
def test_every_volume_is_mounted_and_every_mount_has_its_volume() -> None:
    objects = render(EVERYTHING)
    for one in objects:
        if one["kind"] not in ("Deployment", "Job"):
            continue
        volumes = [volume["name"] for volume in one["spec"]["template"]["spec"]["volumes"]]
        mounts = [mount["name"] for mount in container_of(one)["volumeMounts"]]
        assert sorted(volumes) == sorted(mounts)
