"""Values of which nothing is made, since it could never run; each refusal says what to do."""

from pathlib import Path
from typing import Any

import pytest

from tests.helm.charts import FULL, POCKET, helm, laid_over, named, refusal, render

pytestmark = helm

OFF = {"enabled": False}
BASELINES = {"baselines": {"enabled": True}}
ALONE = POCKET | {"gateway": OFF, "assistant": OFF, "generation": OFF} | BASELINES
"""A method that trains, which needs no generation, and the stages that it calls."""


def further(**methods: int) -> dict[str, Any]:
    return laid_over(POCKET, {"assistant": {"furtherMethods": methods}})


@pytest.mark.parametrize(
    ("values", "value", "step"),
    [
        (POCKET | {"assistant": OFF}, "gateway.enabled", "set assistant.enabled"),
        (POCKET | {"detection": OFF}, "assistant.enabled", "set detection.enabled"),
        (POCKET | {"embedding": OFF}, "assistant.enabled", "or assistant.env.KITH_EMBEDDING"),
        (POCKET | {"generation": OFF}, "assistant.enabled", "set generation.enabled"),
        (ALONE | {"detection": OFF}, "baselines.enabled", "or baselines.env.KITH_DETECTION"),
        (ALONE | {"embedding": OFF}, "baselines.enabled", "set embedding.enabled"),
        (
            laid_over(FULL, {"detection": {"autoscaling": {"min": 5}}}),
            "detection.autoscaling.min: 5",
            "raise max",
        ),
        (
            laid_over(FULL, {"generation": {"autoscaling": {"enabled": True}}}),
            "generation.autoscaling",
            "set generation.autoscaling.enabled to false",
        ),
        (further(rap=7450), "assistant.furtherMethods.rap: assistant.method", "choose another"),
        (further(rap=9464), "assistant.furtherMethods.rap: its metrics", "choose another"),
        (further(rap=7455, none=7455), "assistant.furtherMethods.rap: none", "choose another"),
        (laid_over(POCKET, {"assistant": {"replicas": 2}}), "assistant.replicas", "qdrant.url"),
        (
            laid_over(FULL, {"assistant": {"replicas": 2, "photos": {"url": ""}}}),
            "assistant.replicas",
            "assistant.photos.url",
        ),
    ],
)
def test_what_could_never_run_is_refused(
    values: dict[str, Any], value: str, step: str, tmp_path: Path
) -> None:
    said = refusal(values, tmp_path)
    assert value in said
    assert step in said


@pytest.mark.parametrize(
    "values",
    [
        ALONE,
        laid_over(
            POCKET | {"assistant": OFF}, {"gateway": {"env": {"KITH_ASSISTANT": "there:7450"}}}
        ),
        laid_over(
            POCKET | {"detection": OFF, "generation": OFF},
            {"assistant": {"env": {"KITH_DETECTION": "there:1", "KITH_GENERATION": "there:2"}}},
        ),
        laid_over(
            ALONE | {"embedding": OFF}, {"baselines": {"env": {"KITH_EMBEDDING": "there:1"}}}
        ),
        further(rap=7455, none=7456),
        laid_over(POCKET, {"detection": {"autoscaling": {"min": 9}}}),  # which is off
    ],
)
def test_what_can_run_is_not(values: dict[str, Any]) -> None:
    assert named(render(values), "Deployment")
