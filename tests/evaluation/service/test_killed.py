"""A server that dies in the middle of a job goes on with it when it is started again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest

from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from tests.evaluation.service.calling import QUESTIONS, order

PROGRAM = """
import sys, time
from evaluation import extent
from evaluation.service import measuring
from kith.cli import main
from tests.evaluation.service.calling import QUICK
from tests.evaluation.stripes import StripeSystem
extent.QUICK = QUICK
asked = open(sys.argv[1], "a")
def slow(question):
    print(question, file=asked, flush=True)
    time.sleep(0.03)
measuring.behind = lambda remote, memory: StripeSystem("kith", fails=slow).opened()
sys.exit(main(["--json", "serve", "evaluation", "--port", "0"]))
"""
ROOT = Path(__file__).parents[3]


@contextmanager
def server(root: Path, asked: Path) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`kith serve evaluation` of stripes, once it is ready, and its address."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(asked)],
        env=os.environ
        | {
            "KITH_EVALUATION_DIR": str(root),
            "KITH_EVALUATION_METHODS": "kith=127.0.0.1:1",
            "PYTHONPATH": str(ROOT),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout
        listening = json.loads(process.stdout.readline())["state"]
        assert json.loads(process.stdout.readline())["state"] == "ready"
        try:
            yield process, listening.removeprefix("listening on ")
        finally:
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_ended_at_half_and_started_again_nothing_is_asked_twice(
    how: signal.Signals, root: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    with server(root, asked) as (process, address):
        with grpc.insecure_channel(address) as channel:
            evaluation_pb2_grpc.EvaluationStub(channel).RunEvaluation(order())
        while not asked.exists() or len(asked.read_text().splitlines()) < 8:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(how)
        process.wait()
    half = len(asked.read_text().splitlines())
    assert half < QUESTIONS
    with server(root, asked) as (_, address), grpc.insecure_channel(address) as channel:
        watch = evaluation_pb2.WatchEvaluationRequest(name="users/me/reports/first")
        *_, last = evaluation_pb2_grpc.EvaluationStub(channel).WatchEvaluation(watch)
    assert (last.samples_done, last.samples_planned) == (QUESTIONS, QUESTIONS)
    # Those under way when it was killed may have been answered, and not yet written down.
    twice = len(asked.read_text().splitlines()) - QUESTIONS
    assert twice <= (4 if how is signal.SIGKILL else 0)
    (out,) = root.glob("users/*/reports/first/out")
    assert (out / "report.html").exists()
