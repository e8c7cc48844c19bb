"""Who may reach whom, by the policies that the chart makes."""

from typing import Any

import pytest

from kith.local import TRAINED
from tests.helm.charts import (
    EVERYTHING,
    FULL,
    POCKET,
    SCHEMA,
    helm,
    laid_over,
    named,
    of_kind,
    render,
)

STRANGER = {"app": "stranger"}
QDRANT = FULL["qdrant"]["pods"]
"""A release of its own, in the same namespace."""


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    assert not set(selector) - {"matchLabels"}
    return selector.get("matchLabels", {}).items() <= labels.items()


def lets(rules: list[dict[str, Any]], peers: str, labels: dict[str, str], port: int) -> bool:
    """Whether rules let a pod of this namespace through."""
    for rule in rules:
        if "ports" in rule and port not in [one["port"] for one in rule["ports"]]:
            continue
        if peers not in rule:
            return True
        # A peer that is chosen by its namespace is a stranger's.
        own = [peer["podSelector"] for peer in rule[peers] if set(peer) == {"podSelector"}]
        if any(selects(selector, labels) for selector in own):
            return True
    return False


def reaches(
    objects: list[dict[str, Any]], source: dict[str, str], target: dict[str, str], port: int
) -> bool:
    """Whether one pod may call another: what it may send, and what the other lets in."""
    for way, direction, here, there in (
        ("egress", "Egress", source, target),
        ("ingress", "Ingress", target, source),
    ):
        policies = [
            one["spec"]
            for one in of_kind(objects, "NetworkPolicy")
            if direction in one["spec"]["policyTypes"] and selects(one["spec"]["podSelector"], here)
        ]
        peers = "to" if way == "egress" else "from"
        rules = [rule for one in policies for rule in one.get(way, [])]
        if policies and not lets(rules, peers, there, port):
            return False
    return True


def pods_of(objects: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    pods = named(objects, "Deployment")
    found = {name: one["spec"]["template"]["metadata"]["labels"] for name, one in pods.items()}
    for one in of_kind(objects, "Job"):
        labels = one["spec"]["template"]["metadata"]["labels"]
        found[labels["app.kubernetes.io/component"]] = labels
    return found


PORTS = {"gateway": 7460, "assistant": 7450, "detection": 7451, "embedding": 7452} | {
    "words": 7452,
    "generation": 7453,
    "vllm": 8000,
    "yollava-s": 7450,
    "myvlm": 7450,
}
CALLS = {
    "gateway": {"assistant", "yollava-s", "myvlm"},
    "assistant": {"detection", "embedding", "generation", "qdrant"},
    "yollava-s": {"detection", "embedding"},
    "myvlm": {"detection", "embedding"},
    "detection": {"words"},
    "generation": {"vllm"},
    "evaluation": {"assistant", "yollava-s", "myvlm"},
}


@helm
def test_every_part_reaches_those_that_it_calls_and_no_other() -> None:
    objects = render(EVERYTHING)
    pods = pods_of(objects) | {"qdrant": QDRANT, "stranger": STRANGER}
    ports = PORTS | {"qdrant": 6333}
    public = {"gateway", "assistant"}
    for source, labels in pods.items():
        for target, port in ports.items():
            if source == target:
                continue
            wanted = target in CALLS.get(source, set()) | public
            assert reaches(objects, labels, pods[target], port) is wanted, (source, target)


@helm
@pytest.mark.parametrize(
    ("url", "port"),
    [("http://qdrant:7333", 7333), ("https://qdrant", 6333), ("http://[::1]", 6333)],
)
def test_qdrant_is_reached_on_the_port_that_its_url_names(url: str, port: int) -> None:
    objects = render(laid_over(FULL, {"qdrant": {"url": url}}))
    assistant = pods_of(objects)["assistant"]
    for other in (6333, 7333):
        assert reaches(objects, assistant, QDRANT, other) is (other == port)
        assert not reaches(objects, STRANGER, QDRANT, other)


@helm
def test_only_the_gateway_and_the_assistant_can_be_reached_from_outside() -> None:
    for values in (POCKET, FULL):
        objects = render(values)
        for name, labels in pods_of(objects).items():
            for port in {*PORTS.values(), 7455, 9464, 6333}:
                wanted = (name, port) in {
                    ("gateway", 7460),
                    ("assistant", 7450),
                    ("assistant", 7455),
                }
                assert reaches(objects, STRANGER, labels, port) is wanted, (name, port)


@helm
def test_callers_that_are_named_are_the_only_ones() -> None:
    peer = {"podSelector": {"matchLabels": {"app": "friend"}}}
    objects = render(laid_over(POCKET, {"networkPolicy": {"callers": [peer]}}))
    pods = pods_of(objects)
    for name, port in (("gateway", 7460), ("assistant", 7450)):
        assert reaches(objects, {"app": "friend"}, pods[name], port)
        assert not reaches(objects, STRANGER, pods[name], port)
    assert reaches(objects, pods["gateway"], pods["assistant"], 7450)


@helm
def test_only_those_that_are_named_read_metrics_and_of_every_service() -> None:
    friend = {"app": "prometheus"}
    peer = {"podSelector": {"matchLabels": friend}}
    objects = render(laid_over(EVERYTHING, {"networkPolicy": {"metricsFrom": [peer]}}))
    deployments = named(objects, "Deployment")
    for name, labels in pods_of(objects).items():
        serves = name in deployments and name != "vllm"
        assert reaches(objects, friend, labels, 9464) is serves, name
        assert not reaches(objects, STRANGER, labels, 9464), name
    told = deployments["gateway"]["spec"]["template"]["spec"]["containers"][0]["ports"]
    assert {"name": "metrics", "containerPort": 9464} in told


@helm
def test_nothing_leaves_but_names_and_what_is_said() -> None:
    objects = render(POCKET)
    for labels in pods_of(objects).values():
        assert not reaches(objects, labels, STRANGER, 443)
        assert reaches(objects, labels, STRANGER, 53)
    objects = render(FULL)
    open_ones = [
        name for name, labels in pods_of(objects).items() if reaches(objects, labels, STRANGER, 443)
    ]
    assert open_ones == ["assistant"]
    rule = {"ports": [{"protocol": "TCP", "port": 4317}]}
    objects = render(laid_over(POCKET, {"networkPolicy": {"egress": {"all": [rule]}}}))
    assert all(reaches(objects, one, STRANGER, 4317) for one in pods_of(objects).values())


@helm
def test_rules_are_taken_for_the_parts_that_there_are() -> None:
    parts = {*pods_of(render(EVERYTHING)), *TRAINED}
    known = SCHEMA["properties"]["networkPolicy"]["properties"]["egress"]["propertyNames"]["enum"]
    assert set(known) == parts | {"all"}


@helm
@pytest.mark.parametrize("values", [{"datagen": {"enabled": True}}, POCKET, EVERYTHING])
def test_no_policy_is_made_where_none_is_wanted(values: dict[str, Any]) -> None:
    closed, *_ = of_kind(render(values), "NetworkPolicy")
    assert closed["spec"]["policyTypes"] == ["Ingress", "Egress"]
    without = laid_over(values, {"networkPolicy": {"enabled": False}})
    assert of_kind(render(without), "NetworkPolicy") == []
