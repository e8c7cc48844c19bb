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
    for index, of, said in (
        (0, 1, "all of .*/out; let it end, or stop all and give each worker its own --shard"),
        (1, 2, "--shard 1/2 of .*/out; let it end, or take another of the 2 shards"),
    ):
        ones = make(commission(tmp_path / "out"), index, of)
        next(ones)
        with pytest.raises(Refused, match=f"out: another worker makes {said}"):
            next(make(commission(tmp_path / "out"), index, of))
        ones.close()


WORKER = """
import sys
from tests.datagen.small import *
steps = make(commission(Path(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3]))
next(steps), next(steps)
print("at work", flush=True)
sys.stdin.readline()
list(steps)
"""


def worker(out: Path, index: int, of: int) -> list[str]:
    """A process that makes a picture of its share, says so, and the rest after a line of input."""
    return [sys.executable, "-c", WORKER, str(out), str(index), str(of)]


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ((0, 2), (0, 1), "others make {} in 2 shards, and this worker was to make all of it; let "
         "them end, or take one of their 2"),
        ((1, 2), (1, 3), "others make {} in 2 shards, and this worker was to make --shard 1/3 of "
         "it; let them end, or take one of their 2"),
        ((0, 1), (1, 2), "others make all of {} alone, and this worker was to make --shard 1/2 of "
         "it; let them end, or stop all and give each worker its own --shard, as in 0/2 and 1/2"),
    ],
)  # fmt: skip
def test_a_process_that_divides_the_work_otherwise_is_refused_and_touches_nothing(
    first: tuple[int, int], second: tuple[int, int], said: str, whole: dict[str, str],
    tmp_path: Path,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(worker(out, *first), **streams) as one:
        assert one.stdin
        assert one.stdout
        assert one.stdout.readline() == "at work\n"
        before = tree(out)
        other = subprocess.run(worker(out, *second), capture_output=True, text=True, check=False)
        assert other.returncode == 1
        assert f"Refused: out: {said.format(out)}" in other.stderr
        assert tree(out) == before
        if first[1] == 2:  # whoever divides it alike is welcome
            subprocess.run(worker(out, 1 - first[0], 2), input="\n", text=True, check=True)
        one.communicate("\n")
        assert one.returncode == 0
    finish(commission(out))
    assert tree(out) == whole


def test_once_the_workers_have_ended_the_rest_may_be_divided_otherwise(tmp_path: Path) -> None:
    list(make(commission(tmp_path / "out"), 0, 3))
    rest = make(commission(tmp_path / "out"), 1, 2)
    next(rest)
    with pytest.raises(Refused, match="in 2 shards"):
        next(make(commission(tmp_path / "out"), 1, 3))


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


def test_an_engine_of_batches_gets_the_same_ones_whoever_goes_on(tmp_path: Path) -> None:
    straight, begun = Flat(batch=4), Flat(batch=4)
    whole = replace(commission(tmp_path / "whole"), engine=straight)
    assert [step.done for step in make(whole)] == [0, 4, 8, 11]
    ids = [job.id for job in whole.plan.jobs]
    assert straight.batches == [
        [(name, 0) for name in ids[start : start + 4]] for start in (0, 4, 8)
    ]
    steps = make(replace(commission(tmp_path / "out"), engine=begun))
    assert [next(steps).done, next(steps).done] == [0, 4]
    steps.close()
    finish(replace(commission(tmp_path / "out"), engine=begun))
    assert begun.batches == straight.batches
    (tmp_path / "out" / f"{ids[6]}.jpg").unlink()
    finish(replace(commission(tmp_path / "out"), engine=begun))
    assert begun.batches[3:] == [[(ids[6], 0)]]


def test_of_a_batch_only_what_was_rejected_is_drawn_anew(tmp_path: Path) -> None:
    engine = Flat(batch=4)
    ordered = replace(commission(tmp_path / "out", limit=4), engine=engine)
    hopeless = ordered.plan.jobs[1].caption
    steps = list(
        make(ordered, judge=lambda drawn: "BLURRED" if drawn.caption == hopeless else None)
    )
    ids = [job.id for job in ordered.plan.jobs]
    anew = [[(ids[1], attempt)] for attempt in range(1, ATTEMPTS)]
    assert engine.batches == [[(name, 0) for name in ids], *anew]
    assert (steps[-1].done, steps[-1].rejected) == (4, ATTEMPTS)
    assert ordered.dataset.finish(ordered.plan, ordered.layout).given_up == (ids[1],)


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
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "- Rejected for BLURRED: 2 pictures.\n" in card


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
    made = "go on with that one: kith datagen make --engine playroom --split FILE --seed 0 --out "
    for other, differs in (
        (commission(tmp_path / "out", seed=1), "seed (0, not 1)"),
        (commission(tmp_path / "out", limit=3), "limit (none, not 3)"),
    ):
        with pytest.raises(InvalidInput) as refused:
            list(make(other))
        said = f"another {differs}; name another folder, or {made}{tmp_path / 'out'}"
        assert str(refused.value) == f"out: {tmp_path / 'out'} is a dataset with {said}"
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
