"""A folder has one plan: whoever wants another one there is told where the two differ."""

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Final

from datagen.card import making_command
from datagen.plan import Plan
from kith.errors import InvalidInput, Refused
from kith.files import write_whole

_SHOWN: Final = 3
"""Differences between concepts that are told."""


def settle(path: Path, plan: Plan) -> None:
    """Write a plan down, or see that the one that is there is the same.

    Args:
        path: Of the plan's file, in the dataset's folder.
        plan: What is wanted.

    Raises:
        InvalidInput: Another one is there.
        Refused: What is there is no plan, or it can't be written.
    """
    if not path.exists():
        write_whole(path, plan.to_json().encode())
        return
    try:
        found = Plan.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(
            f"out: can't read {path}: {error}; name another folder",
            reason="PLAN_UNREADABLE",
            field="out",
        ) from error
    if found != plan:
        raise InvalidInput(
            f"out: {path.parent} is a dataset with another {_difference(found, plan)}; name "
            f"another folder, or go on with that one: {making_command(found, str(path.parent))}",
            reason="PLAN_DIFFERS",
            field="out",
        )


def _difference(found: Plan, wanted: Plan) -> str:
    """The first field in which two plans differ, and the values where people can read them."""
    name = next(
        field.name
        for field in fields(found)
        if getattr(found, field.name) != getattr(wanted, field.name)
    )
    match name:
        case "layout_sha256":
            return "layout of the same name"
        case "engine":
            return f"engine ({', '.join(_settings(found, wanted))})"
        case "concepts":
            told = list(_concepts(found, wanted))
            more = ", ..." if len(told) > _SHOWN else ""
            return f"set of concepts ({', '.join(told[:_SHOWN])}{more})"
        case "jobs":
            return "plan, drawn up by another version of Kith"
    return f"{name} ({_value(getattr(found, name))}, not {_value(getattr(wanted, name))})"


def _value(told: object) -> str:
    return "none" if told is None else str(told)


def _settings(found: Plan, wanted: Plan) -> Iterator[str]:
    for name in dict.fromkeys((*found.engine, *wanted.engine)):
        theirs, ours = found.engine.get(name), wanted.engine.get(name)
        if theirs != ours:
            yield f"{name} {_value(theirs)}, not {_value(ours)}"


def _concepts(found: Plan, wanted: Plan) -> Iterator[str]:
    theirs = {one.name: one for one in found.concepts}
    ours = {one.name: one for one in wanted.concepts}
    for name in dict.fromkeys((*theirs, *ours)):
        if name not in ours:
            yield f"{name} is gone"
        elif name not in theirs:
            yield f"{name} is new"
        elif theirs[name].fingerprint != ours[name].fingerprint:
            yield f"{name} has other pictures"
        elif theirs[name] != ours[name]:
            yield f"{name} is told of otherwise in concepts.yaml"
