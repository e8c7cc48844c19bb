"""A service that is killed in the middle of a training, and one that is told to stop, go on."""

import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from datagen import playroom
from kith import Client
from kith.errors import Refused, Unavailable
from kith.messages import Training
from tests.baselines.pictures import strangers, views_of

DOG = playroom.sample_concept(11, "test", "dog")


@contextmanager
def service(folder: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tests.baselines.short", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout
        try:
            address = process.stdout.readline().removeprefix("listening on ").strip()
            assert process.stdout.readline() == "ready\n"
            yield address, process
        finally:
            process.kill()


def killing(process: subprocess.Popen[str], number: int) -> Callable[[Training], None]:
    sent = []

    def tell(training: Training) -> None:
        if training.epochs_done >= 1 and not sent:
            sent.append(number)
            process.send_signal(number)

    return tell


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "SIGTERM"])
def test_a_training_goes_on_where_it_was(tmp_path: Path, number: signal.Signals) -> None:
    photos, negatives = views_of(DOG, 5), strangers(6)
    with service(tmp_path) as (address, process), Client(address) as kith:
        with pytest.raises(Unavailable) as lost:
            kith.remember("bo", photos, negatives=negatives, progress=killing(process, number))
        assert lost.value.reason != "RPC_DEADLINE_EXCEEDED"  # it left, and did not hang
        process.wait(30)
    (job,) = (tmp_path / "artefacts").glob("*/jobs/*")
    assert list(job.rglob("checkpoint.pt"))
    with service(tmp_path) as (address, _), Client(address) as kith:
        assert kith.get("bo").state == "training"
        (left,) = kith.trainings()
        assert left.epochs_done >= 1
        seen: list[Training] = []
        (bo,) = kith.train("bo", progress=seen.append)
        assert bo.state == "ready"
        assert min(one.epochs_done for one in seen) >= 1
        assert seen[0].operation == left.operation
        assert not list(job.rglob("checkpoint.pt"))
        (found,) = kith.recognize(photos[0], ["bo"])
        assert 0 <= found.score <= 1


@pytest.mark.timeout(300)
def test_answers_come_while_a_training_runs_and_another_waits(tmp_path: Path) -> None:
    negatives = strangers(6)
    with service(tmp_path) as (address, _), Client(address) as kith:
        kith.remember("bo", views_of(DOG, 5), negatives=negatives, wait=False)
        made = kith.remember("lina", views_of(DOG, 5), negatives=negatives, wait=False)
        assert made.state == "training"
        waiting = kith.trainings()[-1]
        assert waiting.queue_position == 1
        answers: list[str] = []
        asking = threading.Thread(
            target=lambda: answers.append(kith.ask("What is this?", negatives[0]).text)
        )
        asking.start()
        asking.join(60)
        assert answers
        assert [one.done for one in kith.trainings()][-1] is False
        kith.cancel_training("lina")
        assert kith.get("lina").state == "untrained"
        with pytest.raises(Refused) as refused:
            kith.recognize(negatives[0], ["lina"])
        assert refused.value.reason == "CONCEPT_NOT_TRAINED"
