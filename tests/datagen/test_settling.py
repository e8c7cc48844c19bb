"""Whoever wants another dataset in a folder is told what is other about it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from datagen.plan import Plan
from datagen.settling import settle
from kith.errors import InvalidInput, Refused
from tests.datagen.small import commission


def changed(plan: Plan, **fields: str) -> Plan:
    """The same with another first concept."""
    first, *rest = plan.concepts
    return replace(plan, concepts=(replace(first, **fields), *rest))


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (lambda plan: replace(plan, layout="yollava"), "layout (small, not yollava)"),
        (lambda plan: replace(plan, layout_sha256="0"), "layout of the same name"),
        (lambda plan: replace(plan, limit=7), "limit (none, not 7)"),
        (
            lambda plan: replace(plan, engine={"name": "flat", "size": 320}),
            "engine (name playroom, not flat)",
        ),
        (
            lambda plan: replace(plan, engine={"name": "playroom", "steps": 30}),
            "engine (size 320, not none, steps none, not 30)",
        ),
        (lambda plan: changed(plan, fingerprint="0"), "set of concepts ({} has other pictures)"),
        (lambda plan: changed(plan, noun="pup"), "set of concepts ({} is told of otherwise in"),
        (lambda plan: changed(plan, name="bo"), "set of concepts ({} is gone, bo is new)"),
        (lambda plan: replace(plan, concepts=()), " is gone, ...)"),
        (lambda plan: replace(plan, jobs=plan.jobs[1:]), "plan, drawn up by another version of"),
    ],
)
def test_the_difference_is_named_with_both_values(
    other: Callable[[Plan], Plan], said: str, tmp_path: Path
) -> None:
    plan = commission(tmp_path / "out").plan
    path = tmp_path / "out" / "plan.json"
    settle(path, plan)
    before = path.read_bytes()
    settle(path, plan)
    with pytest.raises(InvalidInput) as refused:
        settle(path, other(plan))
    assert said.format(plan.concepts[0].name) in str(refused.value)
    assert f"--seed 0 --out {tmp_path / 'out'}" in str(refused.value)
    assert path.read_bytes() == before


def test_what_is_no_plan_is_told(tmp_path: Path) -> None:
    path = tmp_path / "out" / "plan.json"
    path.mkdir(parents=True)
    with pytest.raises(Refused, match=r"out: can't read .*plan\.json: .*; name another folder"):
        settle(path, commission(tmp_path / "out").plan)
