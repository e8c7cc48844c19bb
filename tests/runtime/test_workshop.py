"""Jobs are carried out one at a time, and outlive the workshop that took them."""

import os
import resource
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kith.errors import NotFound, Overloaded, Refused
from services.runtime import jobs
from services.runtime import workshop as module
from services.runtime.jobs import Job, State, read_job
from services.runtime.orders import Ordered, Orders, Part
from services.runtime.user_folder import UserFolder, all_open_jobs, sweep
from services.runtime.workshop import Verdict, Workshop
from tests.disk import no_more_files


class Work:
    """What a workshop does here: it waits until it is let go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.go_on = threading.Event()

    def __call__(self, job: Job, verdict: Verdict) -> State:
        self.begun.append(job.id)
        while verdict() is State.DONE and not self.go_on.wait(0.01):
            pass
        return verdict()


def job(name: str, user: str = "ann", about: str = "first") -> Job:
    return Job(name, user, about, 0, 1)


def state(root: Path, name: str) -> State:
    return UserFolder(root, "ann").job(name).state


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_one_at_a_time_in_order(tmp_path: Path) -> None:
    work = Work()
    shop = Workshop(tmp_path, work, 4, "things")
    shop.open()
    for name in "abc":
        shop.submit(job(name))
    until(lambda: work.begun == ["a"])
    assert [one.id for one in all_open_jobs(tmp_path)] == ["a", "b", "c"]
    assert [one.id for one in UserFolder(tmp_path, "ann").open_jobs("first")] == ["a", "b", "c"]
    work.go_on.set()
    until(lambda: not all_open_jobs(tmp_path))
    assert work.begun == ["a", "b", "c"]
    assert {state(tmp_path, name) for name in "abc"} == {State.DONE}
    shop.close()


def test_closed_it_leaves_open_what_another_takes_up(tmp_path: Path) -> None:
    work = Work()
    shop = Workshop(tmp_path, work, 4, "things")
    shop.open()
    shop.submit(job("a"))
    shop.submit(job("b"))
    until(lambda: work.begun == ["a"])
    shop.close()
    assert state(tmp_path, "a") is state(tmp_path, "b") is State.OPEN
    work.go_on.set()
    again = Workshop(tmp_path, work, 4, "things")
    again.open()
    until(lambda: not all_open_jobs(tmp_path))
    assert work.begun == ["a", "a", "b"]
    again.close()


def test_two_workshops_never_do_one_job_both(tmp_path: Path) -> None:
    first, second = Work(), Work()
    one, other = Workshop(tmp_path, first, 4, "things"), Workshop(tmp_path, second, 4, "things")
    one.open()
    one.submit(job("a"))
    until(lambda: first.begun == ["a"])
    other.open()
    other.submit(job("b"))
    until(lambda: second.begun == ["b"])
    other.cancel(UserFolder(tmp_path, "ann").job("a"))  # which it does not have
    until(lambda: state(tmp_path, "a") is State.CANCELLED)
    other.close()
    one.close()


def test_cancelled_while_it_waits_or_works_it_ends(tmp_path: Path) -> None:
    work = Work()
    shop = Workshop(tmp_path, work, 4, "things")
    shop.open()
    shop.submit(job("a"))
    shop.submit(job("b"))
    until(lambda: work.begun == ["a"])
    shop.cancel(job("b"))
    assert state(tmp_path, "b") is State.CANCELLED
    shop.cancel(job("a"))
    until(lambda: state(tmp_path, "a") is State.CANCELLED)
    shop.close()
    assert work.begun == ["a"]
    assert sorted(path.name for path in tmp_path.glob("users/*/jobs/*")) == ["a.json", "b.json"]


def test_a_cancel_that_comes_as_the_job_ends_leaves_no_mark(tmp_path: Path) -> None:
    work = Work()
    work.go_on.set()
    shop = Workshop(tmp_path, work, 4, "things")
    shop.open()
    shop.submit(job("a"))
    until(lambda: not all_open_jobs(tmp_path))
    shop.close()
    shop.cancel(job("a"))  # as it was a moment ago
    assert [path.name for path in tmp_path.glob("users/*/jobs/*")] == ["a.json"]
    UserFolder(tmp_path, "ann").delete_job("a")
    shop.cancel(job("a"))
    assert not list(tmp_path.glob("users/*/jobs/*"))


def test_a_job_deleted_while_open_ones_are_looked_for_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = UserFolder(tmp_path, "ann")
    for name in "ab":
        ann.write_job(job(name))
        ann.lock_of(job(name)).touch()

    def as_one_goes(path: Path) -> Job:
        if path.stem == "a":
            path.unlink()
        return read_job(path)

    monkeypatch.setattr(jobs, "read_job", as_one_goes)
    assert [one.id for one in ann.open_jobs("first")] == ["b"]


def test_too_many_are_refused(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, Work(), 1, "things")
    shop.submit(job("a"))
    with pytest.raises(Overloaded, match="1 things wait for their turn"):
        shop.submit(job("b"))
    with pytest.raises(NotFound):
        UserFolder(tmp_path, "ann").job("b")
    shop.close()


def test_what_it_raises_is_told_and_a_bug_is_none_of_the_user_s(tmp_path: Path) -> None:
    def failing(job: Job, verdict: Verdict) -> State:
        if job.id == "a":
            raise Refused("disk: it is full; make room", reason="FULL", field="disk")
        raise ZeroDivisionError

    shop = Workshop(tmp_path, failing, 4, "things")
    shop.open()
    shop.submit(job("a"))
    shop.submit(job("b"))
    until(lambda: not all_open_jobs(tmp_path))
    told, bug = (UserFolder(tmp_path, "ann").job(name).failure for name in "ab")
    assert told
    assert (told.status, told.reason, told.field) == ("FAILED_PRECONDITION", "FULL", "disk")
    assert bug
    assert (bug.status, bug.message) == ("INTERNAL", "Kith failed; its log has b")
    shop.close()


def test_what_can_not_be_written_down_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = UserFolder.write_job
    full = iter([True, False])

    def write(folder: UserFolder, one: Job) -> None:
        if one.state is State.DONE and next(full):
            raise Refused("can't write", reason="FILE_UNWRITABLE")
        written(folder, one)

    monkeypatch.setattr(module, "_RETRY_S", 0.01)
    monkeypatch.setattr(UserFolder, "write_job", write)
    work = Work()
    work.go_on.set()
    shop = Workshop(tmp_path, work, 4, "things")
    shop.open()
    shop.submit(job("a"))
    until(lambda: state(tmp_path, "a") is State.DONE)
    shop.close()
    assert work.begun == ["a"]


def test_users_whose_names_differ_in_case_are_apart(tmp_path: Path) -> None:
    ann, other = UserFolder(tmp_path, "ann"), UserFolder(tmp_path, "ANN")
    ann.write_job(job("a"))
    assert ann.path.name.lower() != other.path.name.lower()
    assert (ann.job_ids(), other.job_ids()) == (["a"], [])
    ann.delete_job("a")
    assert ann.job_ids() == []


def test_on_a_full_disk_nothing_is_begun_and_no_path_is_told(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, Work(), 4, "things")
    orders = Orders(UserFolder(tmp_path, "ann"), "thing", 4, lambda told: Ordered[str](**told))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60, hard))  # enough for the order alone
        with pytest.raises(Refused, match=r"^can't write [0-9a-f-]+\.json: File too large; "):
            orders.start(shop, "first", Ordered("tea", 1, 0.0), Part())
        with pytest.raises(Refused, match=r"^can't write order\.json: File too large; "):
            orders.start(shop, "first", Ordered("tea" * 60, 1, 0.0), Part())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (orders.ids(), all_open_jobs(tmp_path)) == ([], [])
    assert not [path.name for path in tmp_path.glob("users/*/*/*") if path.suffix != ".lock"]
    begun = orders.start(shop, "first", Ordered("tea", 1, 0.0), Part())
    assert [one.id for one in all_open_jobs(tmp_path)] == [begun.id]
    shop.close()


def test_where_no_file_can_be_made_each_that_is_missing_is_refused_by_its_name(
    tmp_path: Path,
) -> None:
    shop = Workshop(tmp_path, Work(), 4, "things")
    ann = UserFolder(tmp_path, "ann")
    orders = Orders(ann, "thing", 4, lambda told: Ordered[str](**told))
    with no_more_files():
        with pytest.raises(Refused, match=r"^can't write lock: Too many open files; "):
            orders.start(shop, "first", Ordered("tea", 1, 0.0), Part())
        with pytest.raises(Refused, match=r"^can't write a\.lock: Too many open files; "):
            shop.submit(job("a"))
        with pytest.raises(Refused, match=r"^can't write a\.cancel: Too many open files; "):
            shop.cancel(job("a"))
    shop.close()


def test_an_order_whose_job_can_not_be_begun_leaves_nothing(tmp_path: Path) -> None:
    shop = Workshop(tmp_path, Work(), 4, "things")
    ann = UserFolder(tmp_path, "ann")
    orders = Orders(ann, "thing", 4, lambda told: Ordered[str](**told))
    ann.path.mkdir(parents=True)
    (ann.path / "jobs").touch()
    with pytest.raises(Refused, match=r"^can't write [0-9a-f-]+\.lock: File exists; "):
        orders.start(shop, "first", Ordered("tea", 1, 0.0), Part())
    assert orders.ids() == []
    (ann.path / "jobs").unlink()
    assert orders.start(shop, "first", Ordered("milk", 1, 0.0), Part())
    shop.close()


def test_what_a_crash_left_half_done_goes_after_a_day(tmp_path: Path) -> None:
    things = UserFolder(tmp_path, "ann").path / "things"
    for name in (".old", ".new", "kept"):
        (things / name).mkdir(parents=True)
    yesterday = time.time() - 86401
    for name in (".old", "kept"):
        os.utime(things / name, (yesterday, yesterday))
    sweep(tmp_path)
    assert sorted(path.name for path in things.iterdir()) == [".new", "kept"]
