"""The folder of a run: who may write there, and what was laid down about it.

Workers with a shard each share it; nobody else may ask there meanwhile.
"""

import fcntl
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from evaluation.files import read_json
from evaluation.locks import lock, try_lock
from evaluation.places import Places
from kith.errors import Refused
from kith.files import write_whole

PLAN: Final = "plan.json"
_AS_IT_GOES: Final = ("begun", "begun_by", "systems", "revisions", "places")
"""What of it is written down as it is carried out."""


@contextmanager
def held(out: Path, shard: tuple[int, int]) -> Iterator[None]:
    """Keep others out of a folder, for as long as the block.

    Raises:
        Refused: Somebody is at work there who is in the way, or it can't be written.
    """
    index, of = shard
    with ExitStack() as locks:
        how = fcntl.LOCK_EX if of == 1 else fcntl.LOCK_SH
        locks.enter_context(lock(out / ".locks" / "all", how, out))
        locks.enter_context(lock(out / ".locks" / f"{index}-of-{of}", fcntl.LOCK_EX, out))
        yield


@contextmanager
def taken(out: Path, name: str, shard: tuple[int, int]) -> Iterator[bool]:
    """Take the whole of a system for the block, unless another worker is at it or has begun it.

    Who has begun keeps it: what was taught lies in that worker's memory. Workers of another number
    of shards have other memories, and begin anew.

    Args:
        out: The folder, in which a plan is laid down.
        name: Of the system.
        shard: This worker's.

    Yields:
        Whether it is this worker's.

    Raises:
        Refused: It can't be written.
    """
    with ExitStack() as stack:
        locked = try_lock(out / ".locks" / f"system-{name}", fcntl.LOCK_EX, out)
        if locked is not None:
            stack.enter_context(locked)
        yield locked is not None and _begun_by(out, name, shard) == list(shard)


def _begun_by(out: Path, name: str, shard: tuple[int, int]) -> list[int]:
    """Who of as many workers has begun a system; from now on this one, if none has."""
    with lock(out / ".locks" / "plan", fcntl.LOCK_EX, out, wait=True):
        known = _read(out / PLAN)
        begun: list[int] = known.setdefault("begun_by", {}).get(name, [])
        if begun[1:] != [shard[1]]:
            begun = known["begun_by"][name] = list(shard)
            write_whole(out / PLAN, _json(known))
        return begun


@contextmanager
def one_by_one(folder: Path) -> Iterator[None]:
    """Wait until nobody else is at work on a folder, and keep them waiting.

    Raises:
        Refused: It can't be written.
    """
    with lock(folder.with_name(f".{folder.name}.lock"), fcntl.LOCK_EX, folder, wait=True):
        yield


def lay_down(out: Path, told: Mapping[str, Any], places: Places) -> None:
    """Write down what a run will ask, or find that it goes on with the same.

    Further methods may join: what the others have answered stays.

    Args:
        out: The folder.
        told: What changes the questions or the answers.
        places: Where the pictures lie now; elsewhere than before is no reason to refuse.

    Raises:
        Refused: Something else was asked in this folder.
    """
    with lock(out / ".locks" / "plan", fcntl.LOCK_EX, out, wait=True):
        path = out / PLAN
        known = _read(path) or {**told, "begun": _now(), "systems": {}, "revisions": []}
        if set(known["settings"]["methods"]) < set(told["settings"]["methods"]):
            known["settings"]["methods"] = told["settings"]["methods"]
        if difference := _difference(_asked(known), _asked(told)):
            raise _differs(out, difference)
        write_whole(path, _json({**known, "places": places.told(out)}))


def introduce(out: Path, name: str, system: Mapping[str, Any], revision: str) -> dict[str, Any]:
    """Write down what a system says of itself, or find that it is the same as before.

    Args:
        out: The folder.
        name: Of the system.
        system: What it says.
        revision: Under which it is about to be asked; another one than before is no reason to
            refuse, and is written down.

    Returns:
        What it said of itself the first time. A model that was away then has no fingerprint in it.

    Raises:
        Refused: It was another one, or had other models.
    """
    with lock(out / ".locks" / "plan", fcntl.LOCK_EX, out, wait=True):
        known = _read(out / PLAN)
        told = _plain(system)
        before: dict[str, Any] = known["systems"].setdefault(name, told)
        if difference := _difference(before, _as_far_as_known(told, before), f"{name}."):
            raise _differs(out, difference)
        known["revisions"] = list(dict.fromkeys([*known["revisions"], revision]))
        write_whole(out / PLAN, _json(known))
        return before


def introduced(out: Path) -> dict[str, dict[str, Any]]:
    """What the systems that were asked in this folder say of themselves, by name."""
    systems: dict[str, dict[str, Any]] = _read(out / PLAN).get("systems", {})
    return systems


def revisions(out: Path) -> list[str]:
    """The revisions under which answers in this folder were taken, in that order."""
    found: list[str] = _read(out / PLAN).get("revisions", [])
    return found


def settings(out: Path) -> dict[str, Any]:
    """What is chosen about the run in this folder; see `plan.Settings.told`."""
    found: dict[str, Any] = _read(out / PLAN)["settings"]
    return found


def begun(out: Path) -> str:
    """When the run in this folder was begun, in UTC, as in 2026-11-22T14:05:06; empty if none."""
    found: str = _read(out / PLAN).get("begun", "")
    return found


def places(out: Path) -> Places:
    """Where the pictures lie that are asked about in this folder."""
    told = _read(out / PLAN).get("places")
    return Places.read(told, out) if told else Places({})


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"


def _asked(plan: Mapping[str, Any]) -> dict[str, Any]:
    """A plan without what is written down as it is carried out."""
    return {key: value for key, value in plan.items() if key not in _AS_IT_GOES}


def _as_far_as_known(told: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    """What a system says of itself, with the fingerprints of before for models that are away.

    One that was away before has no fingerprint to be held to.
    """
    prints = {(one["stage"], one["name"]): one["fingerprint"] for one in before["models"]}

    def held_to(model: Mapping[str, str]) -> str:
        own = model["fingerprint"]
        known = prints.get((model["stage"], model["name"]), own)
        return own if own and known else known

    return {**told, "models": [{**one, "fingerprint": held_to(one)} for one in told["models"]]}


def _difference(known: Any, new: Any, where: str = "") -> str:  # noqa: ANN401 - JSON
    """The first value that differs, as "settings.seed was 0 and is 1"; empty if none does."""
    if isinstance(known, dict) and isinstance(new, dict):
        for key in dict.fromkeys((*known, *new)):
            if found := _difference(known.get(key), new.get(key), f"{where}{key}."):
                return found
        return ""
    if known == new:
        return ""
    if isinstance(known, list) and isinstance(new, list) and _are_objects([*known, *new]):
        return _difference(dict(enumerate(known)), dict(enumerate(new)), where)
    return f"{where.rstrip('.')} was {_short(known)} and is {_short(new)}"


def _are_objects(values: Sequence[Any]) -> bool:
    return all(isinstance(one, dict) for one in values)


def _differs(out: Path, difference: str) -> Refused:
    return Refused(
        f"out: {out} holds another run: {difference}; name another folder, or ask the same again",
        reason="PLAN_DIFFERS",
        field="out",
    )


def _short(value: Any) -> str:  # noqa: ANN401 - JSON
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) < 80 else f"{text[:77]}..."


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path, "delete it; the same command writes it anew and keeps all answers")
    except FileNotFoundError:
        return {}


def _plain(told: Mapping[str, Any]) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps(told))
    return plain


def _json(told: Mapping[str, Any]) -> bytes:
    return (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode()
