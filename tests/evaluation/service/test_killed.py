"""A server that dies in the middle of a job goes on with it when it is started again."""

import signal
from contextlib import AbstractContextManager
from pathlib import Path

import grpc
import pytest

from kith.v1 import evaluation_pb2, evaluation_pb2_grpc
from tests.evaluation.service.calling import QUESTIONS, order
from tests.runtime.ended import ENDS, Process, end, serving

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


def server(root: Path, asked: Path) -> AbstractContextManager[Process]:
    """`kith serve evaluation` of stripes; it writes down what it is asked."""
    methods = "kith=127.0.0.1:1"
    return serving(PROGRAM, asked, KITH_EVALUATION_DIR=str(root), KITH_EVALUATION_METHODS=methods)


@pytest.mark.parametrize("how", ENDS)
def test_ended_at_half_and_started_again_nothing_is_asked_twice(
    how: signal.Signals, root: Path, tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    asked.touch()
    with server(root, asked) as (process, address):
        with grpc.insecure_channel(address) as channel:
            evaluation_pb2_grpc.EvaluationStub(channel).RunEvaluation(order())
        end(process, how, lambda: len(asked.read_text().splitlines()) >= 8)
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
