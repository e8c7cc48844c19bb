"""The Job that measures a method: the program understands it, and whom it asks is there."""

from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from kith.cli.app import app
from tests.helm.charts import (
    POCKET,
    container_of,
    helm,
    laid_over,
    of_kind,
    refusal,
    render,
    variables_of,
)


def measured(evaluation: dict[str, Any], **values: Any) -> dict[str, Any]:  # noqa: ANN401
    asked = laid_over(POCKET, {"evaluation": {"enabled": True} | evaluation} | values)
    (job,) = of_kind(render(asked), "Job")
    return job


def understood(job: dict[str, Any]) -> dict[str, Any]:
    """What the command of a pod asks for, as the program itself reads it."""
    container = container_of(job)
    assert container["command"] == ["kith"]
    group: Any = get_command(app)
    context = group.make_context("kith", list(container["args"]))
    rest = [*context._protected_args, *context.args]
    name, command, rest = group.resolve_command(context, rest)
    assert name == "evaluate"
    found: dict[str, Any] = context.params | command.make_context(name, rest).params
    return found


@helm
def test_the_program_understands_the_command_of_the_pod() -> None:
    asked = understood(measured({}))
    assert asked["server"] == "mine-kith-assistant:7450"
    assert asked["out"] == Path("/reports/kith")
    assert asked["data"] == [Path("/datasets/msbench")]
    assert (asked["quick"], asked["concurrency"], asked["seed"]) == (False, 2, 0)
    more = {
        **{"tasks": "recognition,edits", "controls": "nothing", "memorySizes": "10,100"},
        **{"quick": True, "seed": 7, "reports": {"folder": "second", "claim": "own"}},
        "datasets": {"folders": ["a", "b/c"]},
    }
    asked = understood(measured(more))
    assert (asked["tasks"], asked["controls"]) == ("recognition,edits", "nothing")
    assert asked["memory_sizes"] == "10,100"
    assert asked["quick"] is True
    assert asked["out"] == Path("/reports/second")
    assert asked["data"] == [Path("/datasets/a"), Path("/datasets/b/c")]


@helm
@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("kith", "mine-kith-assistant:7450"),
        ("rap", "mine-kith-assistant:7455"),
        ("myvlm", "mine-kith-myvlm:7450"),
    ],
)
def test_the_method_is_asked_where_it_is_served(method: str, address: str) -> None:
    job = measured({"method": method}, baselines={"enabled": True, "methods": ["myvlm"]})
    assert understood(job)["server"] == address


@helm
def test_a_method_that_nothing_serves_is_refused(tmp_path: Path) -> None:
    asked = {"evaluation": {"enabled": True, "method": "myvlm"}}
    assert "nothing here serves the method myvlm" in refusal(laid_over(POCKET, asked), tmp_path)


@helm
def test_it_comes_as_a_user_of_its_own_and_reads_what_datagen_made() -> None:
    job = measured({}, tls={"secret": "certificates"}, datagen={"enabled": False})
    variables = variables_of(job)
    wanted = {"name": "mine-kith-users", "key": "evaluator-token"}
    assert variables["KITH_TOKEN"] == {"secretKeyRef": wanted}
    group: Any = get_command(app)
    read = {option.envvar for option in group.params}
    assert {name for name in variables if name.startswith("KITH_")} <= read
    volumes = {one["name"]: one for one in job["spec"]["template"]["spec"]["volumes"]}
    claim = volumes["datasets"]["persistentVolumeClaim"]
    assert claim == {"claimName": "mine-kith-datasets", "readOnly": True}


@helm
def test_what_cannot_be_changed_in_a_job_makes_another() -> None:
    names = {measured({"seed": seed})["metadata"]["name"] for seed in (0, 1, 0)}
    assert len(names) == 2
