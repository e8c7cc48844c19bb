"""What clients were told, checked against a memory that does one thing at a time.

A history is right when its calls can be put in an order in which that memory would have answered
each as it was answered, and in which no call comes before one that was over when it began
(linearizability). Every edit gives a concept an etag of its own, so few orders are possible.
"""

from collections.abc import Iterable
from typing import NamedTuple

ADDED, EDITED, GONE, BACK, READ, LISTED = "remember", "edit", "forget", "unforget", "get", "list"
REJECTED = "reject"
CHANGING = {ADDED, EDITED, REJECTED, GONE, BACK}


class Row(NamedTuple):
    """A concept as it is served."""

    id: str
    name: str
    description: str
    rejected: int
    etag: str


class State(NamedTuple):
    """A memory."""

    living: frozenset[Row] = frozenset()
    forgotten: frozenset[Row] = frozenset()


class Call(NamedTuple):
    """A call and its answer."""

    began: float
    ended: float
    kind: str
    id: str
    """Of the concept; empty when there was none yet."""
    asked: tuple[tuple[str, str], ...]
    """Texts to be changed, and `etag` when the caller gave one."""
    answer: Row | frozenset[Row] | str
    """What was served, or the name of the error."""


def after(state: State, call: Call) -> State | None:
    """The memory after a call; None when it would not have answered so."""
    asked = dict(call.asked)
    name, etag = asked.get("name"), asked.pop("etag", "")
    if call.kind == LISTED:
        return state if call.answer == state.living else None
    old = next((row for row in state.living if row.id == call.id), None)
    past = next((row for row in state.forgotten if row.id == call.id), None)
    if call.kind == BACK and past:
        old, name = past, past.name
    right = _error(state, call, old, name, etag)
    if right or isinstance(call.answer, str):
        return state if call.answer == right else None
    assert isinstance(call.answer, Row)
    new = _edited(call, old, asked)
    if new != call.answer or (call.kind in CHANGING and not _fresh(state, call, old, new)):
        return None
    living = state.living - {old} if old else state.living
    if call.kind == GONE:
        return State(living, state.forgotten | {new})
    gone = {past} if past else set()
    return State(living | {new}, state.forgotten - gone)


def _error(state: State, call: Call, old: Row | None, name: str | None, etag: str) -> str:
    """The name of the error that is right; empty when there is none."""
    if call.kind != ADDED and old is None:
        return "NotFound"
    if old and etag and etag != old.etag:
        return "Stale"
    if name and any(row.name == name and row != old for row in state.living):
        return "AlreadyExists"
    return ""


def _edited(call: Call, old: Row | None, asked: dict[str, str]) -> Row:
    """The row that the call leaves; its etag, and the id of a new one, are the server's to say."""
    assert isinstance(call.answer, Row)
    if old is None:
        return Row(call.answer.id, asked["name"], asked["description"], 0, call.answer.etag)
    if call.kind == READ:
        return old
    rejected = old.rejected + (call.kind == REJECTED)
    return old._replace(rejected=rejected, etag=call.answer.etag, **asked)


def _fresh(state: State, call: Call, old: Row | None, new: Row) -> bool:
    """Whether an edit made an etag of its own; what was not forgotten is brought back unchanged."""
    if call.kind == BACK and old in state.living:
        return new == old
    return all(row.etag != new.etag for row in state.living | state.forgotten)


class _Config(NamedTuple):
    """One way things may stand: a memory, and which running calls have taken effect."""

    state: State
    effective: frozenset[Call] = frozenset()


def first_violation(calls: Iterable[Call]) -> Call | None:
    """The first call for which there is no order; None when the history is right."""
    done = sorted(calls, key=lambda call: call.began)
    events = sorted(
        [(c.began, 0, n) for n, c in enumerate(done)]
        + [(c.ended, 1, n) for n, c in enumerate(done)]
    )
    running: set[Call] = set()
    configs = {_Config(State())}
    for _, over, number in events:
        call = done[number]
        if not over:
            running.add(call)
            configs = {_with_reads(config, {call}) for config in configs}
            continue
        configs = _until(call, configs, running)
        if not configs:
            return call
        running.discard(call)
        configs = {config._replace(effective=config.effective - {call}) for config in configs}
    return None


def _until(call: Call, configs: set[_Config], running: set[Call]) -> set[_Config]:
    """All ways in which the call has taken effect, others before it if need be."""
    found, seen, open_ = set(), set(configs), list(configs)
    while open_:
        config = open_.pop()
        if call in config.effective:
            found.add(config)
            continue
        for other in running - config.effective:
            if other.kind in CHANGING and (state := after(config.state, other)):
                made = _Config(state, config.effective | {other})
                following = _with_reads(made, running - made.effective)
                if following not in seen:
                    seen.add(following)
                    open_.append(following)
    return found


def _with_reads(config: _Config, running: set[Call]) -> _Config:
    """The same with all calls that change nothing and would be answered so now: that is no loss."""
    reads = {call for call in running if after(config.state, call) == config.state}
    return config._replace(effective=config.effective | reads)
