"""The queue: one training at a time, bounded, followed, cancelled, gone on with after a restart."""

import asyncio
import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2 import Operation
from google.rpc import code_pb2

from kith.errors import InvalidInput, NotFound, Overloaded, Refused
from kith.v1 import memory_pb2, resources_pb2
from services.baselines import jobs
from services.baselines.jobs import Job
from services.baselines.place import Place
from services.baselines.trainings import Limits
from services.runtime.profile import GeneratorSpec
from tests.assistant.calling import PARENT
from tests.assistant.world import paint
from tests.baselines.service import BO, LINA, Caller, progress, serving, until
from tests.baselines.steps import Steps

State = resources_pb2.Concept.State


async def state_of(caller: Caller, name: str) -> str:
    return State.Name((await caller.named(name)).state)


async def now(caller: Caller, operation: Operation) -> Operation:
    request = operations_pb2.GetOperationRequest(name=operation.name)
    told: Operation = await caller("GetOperation", request)
    return told


async def cancel(caller: Caller, operation: Operation) -> None:
    await caller("CancelOperation", operations_pb2.CancelOperationRequest(name=operation.name))


async def test_remember_trains_and_its_operation_tells_how_far_it_is(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    operation = await caller.remember("bo", BO)
    assert not operation.done
    assert await state_of(caller, "bo") == "STATE_TRAINING"
    steps.may_go.set()
    over = await caller.over(operation)
    made = resources_pb2.Concept()
    assert over.response.Unpack(made)
    assert (made.display_name, made.state) == ("bo", State.STATE_READY)
    assert len(made.views) == len(BO)
    told = progress(over)
    assert (told.epochs_done, told.epochs_total, told.loss) == (1, 2, 0.5)
    assert list(told.concepts) == [made.name]
    assert steps.steps == [0, 1, 2, 3]


async def test_two_trainings_wait_for_each_other_and_answers_for_neither(
    caller: Caller, steps: Steps
) -> None:
    await caller.learn("old", LINA)
    steps.steps.clear()
    steps.may_go.clear()
    first = await caller.remember("bo", BO)
    second = await caller.remember("lina", LINA)
    assert progress(await now(caller, first)).queue_position == 0
    assert progress(await now(caller, second)).queue_position == 1
    assert progress(await now(caller, second)).remaining.ToSeconds() >= 0
    answer = asyncio.create_task(caller.ask("Is <old> here?", paint(BO[0])))
    steps.may_go.set()
    await answer
    await caller.over(first)
    await caller.over(second)
    assert steps.steps == [0, 1, 2, 3] * 2  # never two at once
    assert await state_of(caller, "lina") == "STATE_READY"


async def test_a_full_queue_refuses_before_anything_is_remembered(
    memory_folder: Path, tiny_spec: GeneratorSpec, steps: Steps
) -> None:
    steps.may_go.clear()
    async with serving(memory_folder, tiny_spec, steps, limits=Limits(2, 1)) as caller:
        await caller.remember("bo", BO)
        with pytest.raises(Overloaded, match="1 trainings of yours wait") as refused:
            await caller.remember("lina", LINA)
        assert refused.value.reason == "TRAINING_QUEUE_FULL"
        assert refused.value.retry_after_s > 0
        await caller.by("ann").remember("lina", LINA)
        with pytest.raises(Overloaded, match="2 trainings wait"):
            await caller.by("eve").remember("lina", LINA)
        for user in ("me", "eve"):
            everything = memory_pb2.ListConceptsRequest(parent=PARENT)
            listed = (await caller.by(user)("ListConcepts", everything)).concepts
            assert [one.display_name for one in listed] == (["bo"] if user == "me" else [])
        steps.may_go.set()


async def test_a_training_that_waits_is_cancelled_at_once(caller: Caller, steps: Steps) -> None:
    steps.may_go.clear()
    first = await caller.remember("bo", BO)
    second = await caller.remember("lina", LINA)
    await cancel(caller, second)
    told = await now(caller, second)
    assert told.done
    assert told.error.code == code_pb2.CANCELLED
    assert await state_of(caller, "lina") == "STATE_UNTRAINED"
    steps.may_go.set()
    await caller.over(first)
    assert len(steps.trained) == 1
    await cancel(caller, first)  # over already: nothing happens
    assert (await now(caller, first)).HasField("response")


async def test_a_training_that_runs_is_cancelled_after_its_step_and_can_be_begun_anew(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    operation = await caller.remember("bo", BO)
    await until(lambda: _true(bool(steps.trained)))
    await cancel(caller, operation)
    steps.may_go.set()
    assert (await caller.over(operation)).error.code == code_pb2.CANCELLED
    assert len(steps.steps) <= 1
    bo = await caller.named("bo")
    assert bo.state == State.STATE_UNTRAINED
    await caller.over(await caller.train(bo.name))
    assert await state_of(caller, "bo") == "STATE_READY"


async def test_a_training_that_fails_tells_why_and_those_after_it_go_on(
    caller: Caller, steps: Steps
) -> None:
    steps.fails_with = Refused("negatives: all are black; send others", reason="ALL_BLACK")
    first = await caller.over(await caller.remember("bo", BO))
    assert (first.error.code, first.error.message) == (
        code_pb2.FAILED_PRECONDITION,
        "negatives: all are black; send others",
    )
    steps.fails_with = ZeroDivisionError("a secret")
    second = await caller.over(await caller.remember("lina", LINA))
    assert second.error.code == code_pb2.INTERNAL
    assert "secret" not in second.error.message
    assert await state_of(caller, "bo") == "STATE_UNTRAINED"
    steps.fails_with = None
    await caller.learn("rex", BO)


async def test_what_is_forgotten_is_trained_no_further_and_comes_back_untrained(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    operation = await caller.remember("bo", BO)
    await until(lambda: _true(bool(steps.trained)))
    bo = await caller.named("bo")
    await caller("Forget", memory_pb2.ForgetRequest(name=bo.name))
    steps.may_go.set()
    assert (await caller.over(operation)).error.code == code_pb2.CANCELLED
    back = await caller("Unforget", memory_pb2.UnforgetRequest(name=bo.name))
    assert back.state == State.STATE_UNTRAINED


async def test_a_service_that_stops_leaves_its_trainings_to_the_next_one(
    memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    before = Steps()
    async with serving(memory_folder, tiny_spec, before) as caller:
        before.may_go.clear()
        first = await caller.remember("bo", BO)
        second = await caller.remember("lina", LINA)
        before.may_go.let(3)
        # In the second epoch; else the service may stop before the last step has begun.
        await until(lambda: _true(len(before.steps) == 3 and before.may_go.holds_one_up))
        asyncio.get_running_loop().call_later(0.5, before.may_go.let, 1)  # the step in hand
    assert before.steps == [0, 1, 2, 3]
    after = Steps()
    async with serving(memory_folder, tiny_spec, after) as caller:
        await caller.over(first)
        await caller.over(second)
        assert await state_of(caller, "bo") == await state_of(caller, "lina") == "STATE_READY"
        assert after.steps == [2, 3, 0, 1, 2, 3]  # from the last whole epoch on
        assert [one.name for m in after.trained for one in m.subjects] == ["bo", "lina"]
        assert after.trained[0].fingerprint == before.trained[0].fingerprint
        assert not list((memory_folder / "artefacts").rglob("epochs"))


async def test_a_retry_gets_the_operation_of_the_first_call(caller: Caller, steps: Steps) -> None:
    request_id = "5b9f9e0e-6d5f-4c57-9a4c-3f6d0c8f8a11"
    steps.may_go.clear()
    first = await caller.remember("bo", BO, request_id=request_id)
    assert (await caller.remember("bo", BO, request_id=request_id)).name == first.name
    with pytest.raises(InvalidInput, match="request_id"):
        await caller.remember("rex", BO, request_id=request_id)
    steps.may_go.set()
    await caller.over(first)
    again = await caller.remember("bo", BO, request_id=request_id)
    assert (again.name, again.done) == (first.name, True)
    bo = await caller.named("bo")
    trained = await caller.over(await caller.train(bo.name, request_id=request_id))
    assert trained.name != first.name
    assert (await caller.train(bo.name, request_id=request_id)).name == trained.name
    assert len(steps.trained) == 2


async def test_a_training_that_is_asked_for_twice_is_one(caller: Caller, steps: Steps) -> None:
    lina = await caller.learn("lina", LINA)
    steps.may_go.clear()
    operation = await caller.remember("bo", BO)
    bo = await caller.named("bo")
    assert (await caller.train(bo.name)).name == operation.name
    with pytest.raises(Refused, match="is being trained") as refused:
        await caller.train(bo.name, lina.name)
    assert refused.value.metadata == {"operation": operation.name}


async def test_several_are_trained_one_after_the_other_or_together(
    memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    for joint in (False, True):
        steps = Steps(joint=joint)
        async with serving(memory_folder / str(joint), tiny_spec, steps) as caller:
            names = [(await caller.learn(name, things)).name for name, things in PAIR]
            steps.trained.clear()
            over = await caller.over(await caller.train(*names))
            response = memory_pb2.TrainConceptsResponse()
            assert over.response.Unpack(response)
            assert [one.name for one in response.concepts] == names
            subjects = [[one.name for one in material.subjects] for material in steps.trained]
            assert subjects == ([["bo", "lina"]] if joint else [["bo"], ["lina"]])
            assert progress(over).epochs_total == (2 if joint else 4)


async def test_operations_are_listed_the_oldest_first_and_deleted_when_over(
    caller: Caller, steps: Steps
) -> None:
    done = await caller.remember("bo", BO)
    await caller.over(done)
    steps.may_go.clear()
    running = await caller.remember("lina", LINA)
    listing = operations_pb2.ListOperationsRequest(name="operations", page_size=1)
    page = await caller("ListOperations", listing)
    assert [one.name for one in page.operations] == [done.name]
    listing.page_token = page.next_page_token
    page = await caller("ListOperations", listing)
    assert ([one.name for one in page.operations], page.next_page_token) == ([running.name], "")
    delete = operations_pb2.DeleteOperationRequest(name=running.name)
    with pytest.raises(Refused, match="cancel it first"):
        await caller("DeleteOperation", delete)
    delete.name = done.name
    await caller("DeleteOperation", delete)
    with pytest.raises(NotFound):
        await now(caller, done)
    assert await state_of(caller, "bo") == "STATE_READY"


async def test_a_training_is_over_once_what_it_has_left_is_deleted(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    clear, begun, may_go = jobs.clear, threading.Event(), threading.Event()

    def slow(place: Place, job: Job) -> None:
        begun.set()
        may_go.wait(30)
        clear(place, job)

    monkeypatch.setattr(jobs, "clear", slow)
    operation = await caller.remember("bo", BO)
    await asyncio.to_thread(begun.wait, 30)
    delete = operations_pb2.DeleteOperationRequest(name=operation.name)
    with pytest.raises(Refused, match="cancel it first"):
        await caller("DeleteOperation", delete)
    may_go.set()
    await caller.over(operation)
    await caller("DeleteOperation", delete)
    await caller.learn("lina", LINA)


def test_a_training_may_be_deleted_by_several_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(tmp_path, "me")
    gone, left = (Job(name, "me", "yollava-s", (), {}, False, 0.0) for name in ("a", "b"))
    for job in (gone, left):
        jobs.write_job(place, job)
    files = [*place.jobs.glob("*/job.json")]
    rmtree = shutil.rmtree

    def beaten(folder: Path) -> None:
        monkeypatch.setattr(shutil, "rmtree", rmtree)
        next(folder.iterdir()).unlink()
        raise FileNotFoundError

    monkeypatch.setattr(shutil, "rmtree", beaten)
    for _ in range(2):
        jobs.delete(place, gone.id)
    assert not place.job(gone.id).exists()
    jobs.clear(place, gone)
    monkeypatch.setattr(Path, "glob", lambda *_: iter(files))  # looked for before it was deleted
    assert jobs.all_jobs(place) == jobs.open_jobs(tmp_path, "yollava-s") == [left]


@pytest.mark.parametrize("broken", ["clear", "write_job"])
async def test_what_can_not_be_deleted_or_written_down_stops_no_training_after_it(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    function = getattr(jobs, broken)

    def fails(place: Place, job: Job) -> None:
        if job.state is jobs.State.DONE:
            monkeypatch.undo()
            raise OSError(errno.EIO, "a broken disk")
        function(place, job)

    monkeypatch.setattr(jobs, broken, fails)
    first = await caller.remember("bo", BO)
    await caller.learn("lina", LINA)
    # One whose end nobody could write down is cancelled like any other.
    await cancel(caller, first)
    assert (await now(caller, first)).done


@contextmanager
def full_disk() -> Iterator[None]:
    def fails(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "write_durably", fails)
        yield


async def test_on_a_full_disk_to_cancel_what_waits_is_refused_and_changes_nothing(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    await caller.remember("rex", BO)
    waiting = [await caller.remember(name, things) for name, things in PAIR]
    with full_disk(), pytest.raises(Refused, match="No space left on device") as refused:
        await cancel(caller, waiting[0])
    assert refused.value.reason == "ARTEFACTS_UNWRITABLE"
    told = [progress(await now(caller, one)).queue_position for one in waiting]
    assert told == [1, 2]
    steps.may_go.set()
    for one in waiting:
        assert (await caller.over(one)).HasField("response")


async def test_on_a_full_disk_of_artefacts_a_concept_is_forgotten_and_its_training_ends_by_itself(
    caller: Caller, steps: Steps
) -> None:
    steps.may_go.clear()
    await caller.remember("bo", BO)
    waiting = await caller.remember("lina", LINA)
    with full_disk():
        name = (await caller.named("lina")).name
        await caller("Forget", memory_pb2.ForgetRequest(name=name))
    steps.may_go.set()
    assert (await caller.over(waiting)).error.code == code_pb2.NOT_FOUND


async def test_whoever_gives_up_to_cancel_has_cancelled(
    caller: Caller, steps: Steps, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps.may_go.clear()
    await caller.remember("bo", BO)
    waiting = await caller.remember("lina", LINA)
    write, begun, may_go = jobs.write_job, threading.Event(), threading.Event()

    def slow(place: Place, job: Job) -> None:
        begun.set()
        may_go.wait(30)
        write(place, job)

    cleared: list[str] = []
    monkeypatch.setattr(jobs, "write_job", slow)
    monkeypatch.setattr(jobs, "clear", lambda _, job: cleared.append(job.id))
    job_id = waiting.name.removeprefix("operations/")
    call = asyncio.create_task(caller.served.trainings.cancel("me", job_id))
    await asyncio.to_thread(begun.wait, 30)
    call.cancel()
    await asyncio.wait([call])
    may_go.set()
    assert (await caller.over(waiting)).error.code == code_pb2.CANCELLED
    assert cleared == [job_id]


async def test_a_second_process_trains_nothing_in_the_same_folder(
    caller: Caller, memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    with pytest.raises(Refused, match="another process trains") as refused:
        async with serving(memory_folder, tiny_spec, Steps()):
            pass
    assert refused.value.reason == "ARTEFACTS_LOCKED"


async def test_whoever_watches_is_told_when_a_training_is_over(
    caller: Caller, steps: Steps
) -> None:
    request = memory_pb2.WatchConceptsRequest(parent=PARENT)
    call = caller.assistant.WatchConcepts(request, metadata=caller.metadata)
    edits = aiter(call)
    await anext(edits)
    operation = await caller.remember("bo", BO)
    first = await anext(edits)
    assert first.edit == memory_pb2.WatchConceptsResponse.EDIT_REMEMBERED
    await caller.over(operation)
    last = await anext(edits)
    assert last.edit == memory_pb2.WatchConceptsResponse.EDIT_UPDATED
    assert last.concept.state == State.STATE_READY
    call.cancel()


async def test_a_trainings_word_is_kept_from_others(caller: Caller) -> None:
    operation = await caller.remember("bo", BO)
    ann = caller.by("ann")
    for call, request in (
        ("GetOperation", operations_pb2.GetOperationRequest(name=operation.name)),
        ("CancelOperation", operations_pb2.CancelOperationRequest(name=operation.name)),
        ("DeleteOperation", operations_pb2.DeleteOperationRequest(name=operation.name)),
        ("WaitOperation", operations_pb2.WaitOperationRequest(name=operation.name)),
    ):
        with pytest.raises(NotFound) as refused:
            await ann(call, request)
        assert refused.value.status == grpc.StatusCode.NOT_FOUND.name
    listing = operations_pb2.ListOperationsRequest(name="operations")
    assert not (await ann("ListOperations", listing)).operations
    await caller.over(operation)


async def _true(value: bool) -> bool:
    return value


PAIR = (("bo", BO), ("lina", LINA))


async def test_a_joint_training_takes_the_place_of_those_of_its_concepts_alone(
    memory_folder: Path, tiny_spec: GeneratorSpec
) -> None:
    steps = Steps(joint=True)
    async with serving(memory_folder, tiny_spec, steps) as caller:
        steps.may_go.clear()
        alone = [await caller.remember(name, things) for name, things in PAIR]
        names = [(await caller.named(name)).name for name, _ in PAIR]
        together = await caller.train(*names)
        steps.may_go.set()
        over = await caller.over(together)
        assert over.HasField("response")
        for one in alone:
            assert (await now(caller, one)).error.code == code_pb2.CANCELLED
        assert [one.name for one in steps.trained[-1].subjects] == ["bo", "lina"]
        assert await state_of(caller, "bo") == await state_of(caller, "lina") == "STATE_READY"
