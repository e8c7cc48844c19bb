"""A process that stands still for a while, and a disk that takes its time over every write."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from kith import Client
from kith.errors import KithError
from tests.reliability.painted import Painted, painted, photo_of
from tests.reliability.table import Effort, Table

STILL_S: Final = {"short": 4.0, "long": 40.0}
"""The longer one is more than keepalives wait."""

DEADLINE_S: Final = 2.0
SLACK_S: Final = 1.5
RECOVERY_S: Final = 10.0

SLOW_MS: Final = 100
"""That each write to disk takes: a network's disk under load."""

_SLOW: Final = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

static void wait_ms(void) {  /* while the file is there, which gets a byte for each */
    int file = open(getenv("SLOW_WHILE"), O_WRONLY | O_APPEND);
    if (file < 0) return;
    (void)!write(file, "w", 1);
    close(file);
    usleep(1000 * atoi(getenv("SLOW_MS")));
}
int fsync(int file) { wait_ms(); return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file); }
int fdatasync(int file) { wait_ms(); return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file); }
int msync(void *at, size_t size, int how) {
    wait_ms();
    return ((int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync"))(at, size, how);
}
"""

DOG: Final = photo_of("dog", 0)


def outcome(act: Callable[[], object]) -> str:
    """How a call ended."""
    try:
        act()
    except KithError as error:
        return error.status
    return "OK"


def test_a_process_that_stands_still_hangs_no_call_and_does_nothing_late(
    effort: Effort, tmp_path: Path
) -> None:
    oracle = "the caller's clock, and what is remembered afterwards"
    with Table("Standstill", oracle, effort) as table, painted(tmp_path) as server:
        with Client(server.address, user="me", timeout_s=DEADLINE_S) as kith:
            with server.client() as patient:
                patient.remember("bo", DOG, category="dog", description="A dog.")
            os.kill(server.pid, signal.SIGSTOP)
            began, outcomes, slowest = time.monotonic(), Counter[str](), 0.0
            while time.monotonic() - began < STILL_S[effort]:
                for act in (
                    lambda: kith.remember("rex", DOG, category="dog", description="A dog."),
                    lambda: kith.retrieve(DOG),
                    lambda: kith.edit("bo", description="late"),
                ):
                    asked = time.monotonic()
                    outcomes[outcome(act)] += 1
                    slowest = max(slowest, time.monotonic() - asked)
            os.kill(server.pid, signal.SIGCONT)
            began = time.monotonic()
            while (last := outcome(kith.list_concepts)) != "OK":
                took_s = time.monotonic() - began
                assert took_s < 10 * RECOVERY_S, f"it does not recover: {last}"
            recovery_s = time.monotonic() - began
        with server.client() as patient:
            known = [(it.display_name, it.description) for it in patient.list_concepts()]
        table.traffic("calls meanwhile", outcomes.total(), at_least=3)
        table.exactly("they end with", " ".join(outcomes), "UNAVAILABLE")
        table.at_most("slowest", slowest, DEADLINE_S + SLACK_S, "s")
        table.at_most("well again in", recovery_s, RECOVERY_S, "s")
        table.exactly("done after its caller had left", len(known) - 1, 0)
        table.exactly("what was remembered", str(known), str([("bo", "A dog.")]))


@contextmanager
def slow_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Painted, Path]]:
    """A server, and the file whose presence makes its disk slow and which counts the writes."""
    source, library, flag = (folder / name for name in ("slow.c", "slow.so", "slow"))
    source.write_text(_SLOW, encoding="utf-8")
    built = ["cc", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    subprocess.run(built, check=True)
    with monkeypatch.context() as patch:
        patch.setenv("LD_PRELOAD", str(library))
        patch.setenv("SLOW_WHILE", str(flag))
        patch.setenv("SLOW_MS", str(SLOW_MS))
        server = Painted(folder)
    try:
        server.start()
        yield server, flag
    finally:
        server.close()


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_a_slow_disk_fails_nothing(
    effort: Effort, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edits = 20 if effort == "long" else 3
    waits: list[float] = []
    asking, over = threading.Lock(), threading.Event()
    with (
        Table("Slow disk", "the callers' clock", effort) as table,
        slow_disk(tmp_path, monkeypatch) as (server, flag),
        server.client() as kith,
        server.client("other") as other,
        server.client("newcomer") as newcomer,
    ):
        for client in (kith, other):
            client.remember("bo", DOG, category="dog", description="A dog.")

        def look() -> None:
            while not over.wait(0.02):
                with asking:
                    began = time.monotonic()
                    other.retrieve(DOG)
                    waits.append(time.monotonic() - began)

        looking = threading.Thread(target=look)
        looking.start()
        flag.touch()
        codes = Counter(
            outcome(partial(kith.edit, "bo", description=f"{number}")) for number in range(edits)
        )
        with asking:  # that a question amid the edits is not put down to the new user
            by_edits, writes = max(waits), flag.stat().st_size
            waits.clear()
        came = time.monotonic()
        codes[outcome(newcomer.list_concepts)] += 1
        came_s, newcomers = time.monotonic() - came, flag.stat().st_size - writes
        flag.unlink()
        over.set()
        looking.join()
        (bo,) = kith.list_concepts()
        table.traffic("edits and a new user", codes.total(), at_least=edits)
        table.tell("a write to disk", SLOW_MS, "ms")
        table.exactly("they end with", " ".join(codes), "OK")
        table.exactly("the last edit", bo.description, f"{edits - 1}")
        table.tell("writes to disk while the new user came", newcomers)
        table.tell("the new user's first call", came_s, "s")
        table.tell("another's slowest question amid the edits", by_edits, "s")
        table.tell("another's slowest question while the new user came", max(waits), "s")
