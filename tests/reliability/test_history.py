"""Sixteen clients at once, and every answer is one that a memory without concurrency could give."""

import random
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

from kith import Client
from kith.errors import AlreadyExists, NotFound, Stale
from kith.messages import Concept
from tests.reliability import history
from tests.reliability.history import Call, Row, first_violation
from tests.reliability.painted import Painted, painted, photo_of
from tests.reliability.table import Effort, Table

CLIENTS = 16
SECONDS = {"short": 4, "long": 180}
NAMES = [f"n{number}" for number in range(8)]
COUNTER = "counter"
KINDS = {
    history.LISTED: 2,
    history.READ: 4,
    history.ADDED: 3,
    history.EDITED: 6,
    history.REJECTED: 1,
    history.GONE: 2,
    history.BACK: 1,
}


def row_of(concept: Concept) -> Row:
    return Row(
        concept.name,
        concept.display_name,
        concept.description,
        sum(view.negative for view in concept.views),
        concept.etag,
    )


Answer = Row | frozenset[Row] | str


class Caller:
    """One client, who writes down what it asks and what it is told."""

    def __init__(self, kith: Client, seed: int) -> None:
        self.calls: list[Call] = []
        self.added = 0
        """How often it has made the counter one more."""
        self._kith = kith
        self._rng = random.Random(seed)
        self._known: dict[str, Row] = {}
        self._counter = Row("", COUNTER, "0", 0, "")
        self._words = (f"{seed}.{number}" for number in count())

    def act(self) -> None:
        """Any call, on anything it has heard of."""
        (kind,) = self._rng.choices(list(KINDS), list(KINDS.values()))
        known = list(self._known.values())[-40:]  # those before are mostly gone
        if kind == history.ADDED:
            self.remember(self._rng.choice(NAMES), next(self._words))
        elif kind == history.LISTED or not known:
            self.list()
        else:
            self._on(kind, self._rng.choice(known))

    def count(self) -> None:
        """Makes the counter one more, if nobody else does at the same time."""
        self._read(self._counter)
        more = str(int(self._counter.description) + 1)
        asked = {"description": more, "etag": self._counter.etag}
        self.added += isinstance(self._edit(self._counter, asked), Row)

    def remember(self, name: str, word: str) -> None:
        photo = photo_of("dog", self._rng.randrange(90))
        asked = {"name": name, "description": word}
        self._ask(
            history.ADDED,
            "",
            asked,
            lambda: row_of(self._kith.remember(name, photo, category="dog", description=word)),
        )

    def list(self) -> None:
        self._ask(
            history.LISTED, "", {}, lambda: frozenset(map(row_of, self._kith.list_concepts()))
        )

    def _on(self, kind: str, row: Row) -> None:
        if kind == history.READ:
            self._read(row)
        elif kind == history.EDITED:
            renames, guarded = self._rng.random() < 0.4, self._rng.random() < 0.5
            name, word = self._rng.choice(NAMES), next(self._words)
            etag = {"etag": row.etag} if guarded else {}
            self._edit(row, ({"name": name} if renames else {"description": word}) | etag)
        else:
            act: dict[str, Callable[[], Concept]] = {
                history.REJECTED: lambda: self._kith.reject(row.id, photo_of("cat", 0)),
                history.GONE: lambda: self._kith.forget(row.id),
                history.BACK: lambda: self._kith.unforget(row.id),
            }
            self._ask(kind, row.id, {}, lambda: row_of(act[kind]()))

    def _read(self, row: Row) -> None:
        self._ask(history.READ, row.id, {}, lambda: row_of(self._kith.get(row.id)))

    def _edit(self, row: Row, asked: dict[str, str]) -> Answer:
        return self._ask(
            history.EDITED, row.id, asked, lambda: row_of(self._kith.edit(row.id, **asked))
        )

    def _ask(self, kind: str, id_: str, asked: dict[str, str], ask: Callable[[], Answer]) -> Answer:
        began = time.monotonic()
        try:
            answer = ask()
        except (NotFound, Stale, AlreadyExists) as error:
            answer = type(error).__name__
        ended = time.monotonic()
        self.calls.append(Call(began, ended, kind, id_, tuple(sorted(asked.items())), answer))
        if isinstance(answer, Row):
            self._learn(answer)
        elif isinstance(answer, frozenset):
            for row in answer:
                self._learn(row)
        return answer

    def _learn(self, row: Row) -> None:
        if row.name == COUNTER:
            self._counter = row
        else:
            self._known[row.id] = row


def mixed_calls(server: Painted, seconds: float) -> tuple[list[Call], int, int]:
    """The calls of all clients; how often they counted, and how far the counter has come."""
    with ExitStack() as stack:
        kith = stack.enter_context(server.client())
        first = Caller(kith, 0)
        first.remember(COUNTER, "0")
        callers = [
            Caller(stack.enter_context(server.client()), number) for number in range(1, CLIENTS + 1)
        ]
        until = time.monotonic() + seconds

        def go_on(caller: Caller) -> None:
            caller.list()
            while time.monotonic() < until:
                caller.act()
                caller.count()

        with ThreadPoolExecutor(CLIENTS) as threads:
            list(threads.map(go_on, callers))
        counted = sum(caller.added for caller in callers)
        calls = [call for caller in [first, *callers] for call in caller.calls]
        return calls, counted, int(kith.get(COUNTER).description)


def test_every_answer_is_one_of_a_memory_without_concurrency(
    tmp_path: Path, effort: Effort
) -> None:
    oracle = "tests/reliability/history.py, a memory that does one thing at a time"
    seconds = SECONDS[effort]
    with Table("History", oracle, effort) as table, painted(tmp_path) as server:
        calls, counted, counter = mixed_calls(server, seconds)
        table.traffic("calls", len(calls), at_least=2000 if effort == "long" else 50)
        table.tell("clients", CLIENTS)
        table.tell("calls under way, on average", sum(c.ended - c.began for c in calls) / seconds)
        ends = Counter(
            f"{call.kind}: {call.answer if isinstance(call.answer, str) else 'done'}"
            for call in calls
        )
        for end, number in sorted(ends.items()):
            table.tell(end, number)
        table.tell("the counter, made one more by all of them", counter)
        table.exactly("lost updates", counted - counter, 0)
        table.exactly("violations", str(first_violation(calls)), "None")


def test_a_wrong_history_is_found() -> None:
    bo, rex = Row("1", "bo", "", 0, "a"), Row("1", "rex", "", 0, "b")
    made = Call(0, 1, "remember", "", (("description", ""), ("name", "bo")), bo)
    renamed = Call(2, 3, "edit", "1", (("name", "rex"),), rex)
    right = Call(2.5, 4, "get", "1", (), bo)
    assert first_violation([made, renamed, right]) is None
    stale = right._replace(began=3.5)
    assert first_violation([made, renamed, stale]) == stale
    lost = Call(4, 5, "list", "", (), frozenset({bo}))
    assert first_violation([made, renamed, lost]) == lost
    both = Call(2, 3, "edit", "1", (("etag", "a"), ("name", "max")), Row("1", "max", "", 0, "c"))
    assert first_violation([made, renamed._replace(asked=(("etag", "a"), ("name", "rex"))), both])
