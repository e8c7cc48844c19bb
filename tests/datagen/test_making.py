"""Nothing is lost and nothing made twice, however the making is cut up."""

import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from datagen.dataset import CHECKSUMS
from datagen.engines import Drawn
from datagen.locks import WORK
from datagen.making import Order, accept, make, missing
from datagen.plan import ATTEMPTS
from kith.errors import InvalidInput, NotFound, Refused
from tests.datagen.small import Flat, commission, finish, tree, write_seeds


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The small dataset, made at one go."""
    out = tmp_path_factory.mktemp("whole") / "out"
    finish(commission(out))
    return tree(out)


def test_stopped_after_any_picture_and_gone_on_with_it_is_the_same(
    whole: dict[str, str], tmp_path: Path
) -> None:
    for _ in range(4):
        ordered = commission(tmp_path / "out")
        steps = make(ordered)
        for _ in range(4):
            next(steps, None)
        steps.close()
    finish(commission(tmp_path / "out"))
    assert tree(tmp_path / "out") == whole


def test_two_shares_in_one_folder_are_one_dataset(whole: dict[str, str], tmp_path: Path) -> None:
    first, second = (commission(tmp_path / "out") for _ in range(2))
    ones, others = make(first, 0, 2), make(second, 1, 2)
    for _ in range(20):  # in turn, as two processes would
        next(ones, None)
        next(others, None)
    assert missing(first) == 0
    first.dataset.finish(first.plan, first.layout)
    assert tree(tmp_path / "out") == whole


def test_a_share_alone_leaves_the_rest_to_others(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out")
    *_, last = make(ordered, 1, 2)
    assert (last.wanted, last.done, missing(ordered)) == (5, 5, 6)


def test_two_workers_of_the_same_share_are_one_too_many(tmp_path: Path) -> None:
    ones = make(commission(tmp_path / "out"))
    next(ones)
    with pytest.raises(Refused, match="out: another worker makes share 0-of-1 there"):
        next(make(commission(tmp_path / "out")))


def test_what_is_made_is_not_drawn_again_but_what_was_deleted_is(
    whole: dict[str, str], tmp_path: Path
) -> None:
    ordered = replace(commission(tmp_path / "flat"), engine=Flat())
    finish(ordered)
    assert isinstance(ordered.engine, Flat)
    assert sorted(ordered.engine.drawn) == sorted(job.id for job in ordered.plan.jobs)
    finish(ordered)
    assert len(ordered.engine.drawn) == len(ordered.plan.jobs)
    (tmp_path / "flat" / "test" / "0002.jpg").unlink()
    next(make(ordered))
    assert not (tmp_path / "flat" / CHECKSUMS).exists()
    finish(ordered)
    assert (tmp_path / "flat" / CHECKSUMS).exists()
    assert ordered.engine.drawn[len(ordered.plan.jobs) :] == ["test/0002"]


def test_deleted_seeds_are_drawn_again(whole: dict[str, str], tmp_path: Path) -> None:
    finish(commission(tmp_path / "out"))
    shutil.rmtree(tmp_path / "out" / "seeds")
    finish(commission(tmp_path / "out"))
    assert tree(tmp_path / "out") == whole


def test_a_changed_picture_is_named_and_can_be_made_again(tmp_path: Path) -> None:
    ordered = commission(tmp_path / "out")
    finish(ordered)
    path = tmp_path / "out" / "train" / "0001.jpg"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(Refused, match=f"out: {path} is not what was made; delete it and run"):
        finish(ordered)
    path.unlink()
    finish(ordered)


def test_a_rejected_picture_is_replaced_and_the_attempts_have_an_end(tmp_path: Path) -> None:
    def judge(drawn: Drawn) -> str | None:
        if drawn.caption.startswith("A photo of"):  # every other scenario
            return "SUBJECTS_FUSED"
        return "BLURRED" if drawn.image.getpixel((0, 0))[0] % 2 else None

    ordered = replace(commission(tmp_path / "out"), engine=Flat())
    steps = list(make(ordered, judge=judge))
    counts = ordered.dataset.finish(ordered.plan, ordered.layout)
    hopeless = [job.id for job in ordered.plan.jobs if job.caption.startswith("A photo of")]
    assert set(counts.given_up) >= set(hopeless) != set()
    assert counts.rejected["SUBJECTS_FUSED"] == ATTEMPTS * len(hopeless)
    assert counts.rejected["BLURRED"] > 0
    assert sum(counts.kept.values()) == len(ordered.plan.jobs) - len(counts.given_up)
    assert steps[-1].rejected == sum(counts.rejected.values())
    assert all(later.done == earlier.done + 1 for earlier, later in pairwise(steps))


def test_a_rejection_is_not_forgotten_when_the_worker_dies(tmp_path: Path) -> None:
    def dies(drawn: Drawn) -> str | None:
        if asked.append(drawn) or len(asked) == 3:
            raise KeyboardInterrupt
        return "BLURRED"

    asked: list[Drawn] = []
    ordered = replace(commission(tmp_path / "out"), engine=Flat())
    with pytest.raises(KeyboardInterrupt):
        list(make(ordered, judge=dies))
    finish(ordered)
    assert ordered.dataset.finish(ordered.plan, ordered.layout).rejected == {"BLURRED": 2}


@pytest.fixture
def small_files() -> Iterator[None]:
    """No file can grow beyond 6 kB, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_and_nothing_is_lost(
    small_files: None, whole: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(Refused, match=r"out: can't write .*; make room or name another folder"):
        finish(commission(tmp_path / "out"))
    assert not list(tmp_path.rglob("*.part"))
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    finish(commission(tmp_path / "out"))
    assert tree(tmp_path / "out") == whole


def test_another_order_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    finish(commission(tmp_path / "out"))
    for other, differs in ((commission(tmp_path / "out", seed=1), "seed"),
                           (commission(tmp_path / "out", limit=3), "limit")):  # fmt: skip
        with pytest.raises(InvalidInput, match=f"is a dataset with another {differs}; name"):
            list(make(other))
    (tmp_path / "out" / "plan.json").write_text("{", encoding="utf-8")
    with pytest.raises(Refused, match=r"can't read .*plan\.json"):
        list(make(commission(tmp_path / "out")))


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    (tmp_path / "file").touch()
    for name in ("out", "file"):
        with pytest.raises(InvalidInput, match=f"out: {tmp_path / name} holds something else"):
            list(make(commission(tmp_path / name)))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["thesis.tex"]


def test_an_order_that_does_not_fit_together_is_refused(tmp_path: Path) -> None:
    write_seeds(tmp_path / "seeds", ["bo"])
    order = Order("playroom", "yollava", tmp_path / "out")
    for wrong, said in (
        (replace(order, seeds=tmp_path / "seeds"), "seeds: Playroom draws concepts of its own"),
        (replace(order, models=tmp_path), "models: Playroom draws concepts of its own"),
        (replace(order, engine="msdiffusion"), "seeds: MS-Diffusion needs pictures of concepts"),
    ):
        with pytest.raises(InvalidInput, match=said):
            accept(wrong)
    with pytest.raises(NotFound, match="'zork'"):
        accept(replace(order, split="zork"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("half", ["seeds/*/train/*", "[tm]*/00*.jpg"], ids=["seeds", "pictures"])
def test_killed_at_half_and_run_again_the_bytes_are_the_same(
    half: str, whole: dict[str, str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = f"from tests.datagen.small import *; finish(commission(Path({str(out)!r})))"
    with subprocess.Popen([sys.executable, "-c", program]) as process:
        while len(list(out.glob(half))) < 5:
            assert process.poll() is None
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert not (out / "README.md").exists()
    finish(commission(out))
    assert tree(out) == whole
    assert f"{WORK}/train/0001.json" in whole
