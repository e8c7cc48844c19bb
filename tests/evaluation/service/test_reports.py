"""A report is ordered, watched, fetched and deleted through the contract alone."""

import io
import uuid
import zipfile
from pathlib import Path

import pytest
from google.longrunning import operations_pb2
from google.rpc import code_pb2

from evaluation.service.serve import MOST
from kith.errors import AlreadyExists, InvalidInput, NotFound, Overloaded, Refused, Unavailable
from kith.v1 import common_pb2, evaluation_pb2
from tests.evaluation.service.calling import FIRST, QUESTIONS, Caller, order, progress_of
from tests.evaluation.service.conftest import Serving, Street
from tests.runtime.jobs import paths

WATCH = evaluation_pb2.WatchEvaluationRequest(name=FIRST)
DELETE = evaluation_pb2.DeleteReportRequest(name=FIRST)
DOWNLOAD = evaluation_pb2.DownloadReportRequest(name=FIRST)
LIST_OPERATIONS = operations_pb2.ListOperationsRequest(name="operations")


async def test_a_report_is_ordered_watched_and_fetched(
    serving: Serving, street: Street, root: Path
) -> None:
    async with serving() as ann:
        operation = await ann.ask("RunEvaluation", order(methods=["kith", "rap"]))
        assert (operation.done, progress_of(operation).samples_planned) == (False, 2 * QUESTIONS)
        told = await ann.stream("WatchEvaluation", WATCH)
        done = [one.samples_done for one in told]
        assert done == sorted(set(done))
        assert (done[-1], told[-1].samples_failed) == (2 * QUESTIONS, 0)
        finished = await ann.operation(operation.name)
        report = evaluation_pb2.Report()
        assert finished.response.Unpack(report)
        assert report == await ann.report()
        assert (report.name, report.complete) == ("users/ann/reports/first", True)
        pieces = await ann.stream("DownloadReport", DOWNLOAD)
    figures = {
        (one.method, one.task, one.control, one.setting, one.metric): (one.value, one.samples)
        for one in report.figures
    }
    task, nothing = evaluation_pb2.TASK_CAPTIONING, evaluation_pb2.CONTROL_UNSPECIFIED
    assert figures["kith", task, nothing, "multi", "recall"] == (1.0, 3)
    assert street.asked == 2 * QUESTIONS
    assert max(len(piece.chunk) for piece in pieces) <= 2**20
    with zipfile.ZipFile(io.BytesIO(b"".join(piece.chunk for piece in pieces))) as archive:
        assert archive.testzip() is None
        assert {"report.html", "report.md", "results.json", "figures/headline.svg"} <= set(
            archive.namelist()
        )
        answers = archive.read("answers/kith/world.captioning.jsonl")
        assert len(answers.splitlines()) == 1 + 26
        for name in archive.namelist():  # nobody is told where the server keeps things
            assert str(root.parent).encode() not in archive.read(name)


async def test_the_same_order_again_asks_nothing_and_other_settings_are_refused(
    serving: Serving, street: Street
) -> None:
    async with serving() as ann:
        first = await ann.measured()
        assert await ann.measured() == first
        assert street.asked == QUESTIONS
        with pytest.raises(AlreadyExists, match="report_id: first is a report with other settings"):
            await ann.ask("RunEvaluation", order(random_seed=1))


async def test_a_request_id_starts_one_job_whatever_happens_in_between(serving: Serving) -> None:
    again = order(request_id=str(uuid.uuid4()))
    async with serving() as ann:
        first = await ann.ask("RunEvaluation", again)
        await ann.over(first.name)
        assert (await ann.ask("RunEvaluation", again)).name == first.name
        assert (await ann.ask("RunEvaluation", order())).name != first.name


async def test_checking_alone_plans_and_leaves_nothing(
    serving: Serving, root: Path, street: Street
) -> None:
    async with serving() as ann:
        checked = await ann.ask("RunEvaluation", order(validate_only=True))
        assert (checked.done, progress_of(checked).samples_planned) == (True, QUESTIONS)
        for wrong, error, said in (
            ({"methods": ["zork"]}, NotFound, "methods: there is none named 'zork'; give some of"),
            ({"datasets": ["zork"]}, NotFound, "datasets: there is none named 'zork'; give one of"),
            ({"datasets": ["outside"]}, NotFound, "'outside'; give one of world$"),
            ({"methods": ["gone"]}, Unavailable, "methods: gone can't be reached; ask"),
            ({"memory_sizes": [900]}, InvalidInput, "memory_sizes: 900 concepts need"),
            ({"methods": []}, InvalidInput, "methods: 0 items"),
            ({"report_id": "../x"}, InvalidInput, "report_id: '../x'"),
        ):
            with pytest.raises(error, match=said):
                await ann.ask("RunEvaluation", order(validate_only=True, **wrong))
        assert (await ann.ask("ListOperations", LIST_OPERATIONS)).operations == []
    assert not paths(root, "users/*/reports/*")
    assert street.asked == 0


async def test_larger_memories_are_filled_with_the_service_s_distractors(serving: Serving) -> None:
    async with serving() as ann:
        report = await ann.measured(memory_sizes=[4, 8])
    assert {one.memory_size for one in report.figures} == {0, 4, 8}


async def test_cancelled_it_keeps_what_is_answered_and_goes_on_from_there(
    serving: Serving, slow_street: Street
) -> None:
    async with serving() as ann:
        operation = await ann.ask("RunEvaluation", order())
        await until(ann, operation.name, 5)
        await ann.cancel(operation.name)
        over = await ann.over(operation.name)
        assert over.error.code == code_pb2.CANCELLED
        kept = progress_of(over).samples_done
        assert 5 <= kept < QUESTIONS
        half = await ann.report()
        assert not half.complete
        assert {one.samples for one in half.figures}  # of what is there
        await ann.stream("DownloadReport", DOWNLOAD)
        await ann.cancel(operation.name)
        whole = await ann.measured()
        assert whole.complete
    assert slow_street.asked == QUESTIONS


async def test_what_was_cancelled_a_moment_ago_is_gone_on_with_at_once(
    serving: Serving, slow_street: Street
) -> None:
    async with serving() as ann:
        first = await ann.ask("RunEvaluation", order())
        await until(ann, first.name, 3)
        await ann.cancel(first.name)
        second = await ann.ask("RunEvaluation", order())
        assert second.name != first.name
        assert not (await ann.over(second.name)).HasField("error")
        assert (await ann.report()).complete


async def test_a_server_that_starts_again_goes_on(serving: Serving, slow_street: Street) -> None:
    async with serving() as ann:
        operation = await ann.ask("RunEvaluation", order())
        await until(ann, operation.name, 3)
    assert slow_street.asked < QUESTIONS
    async with serving() as ann:
        assert not (await ann.over(operation.name)).HasField("error")
        assert (await ann.report()).complete
    assert slow_street.asked == QUESTIONS


async def test_the_time_left_is_told_while_it_is_at_work(
    serving: Serving, slow_street: Street
) -> None:
    async with serving() as ann:
        await ann.ask("RunEvaluation", order())
        told = await ann.stream("WatchEvaluation", WATCH)
    assert any(one.HasField("remaining") for one in told)
    assert all(one.remaining.ToNanoseconds() < 60e9 for one in told)
    assert told[-1].remaining.ToNanoseconds() == 0


async def test_parts_make_one_report_and_another_division_is_refused(
    serving: Serving, street: Street
) -> None:
    async with serving(works=False) as ann:
        parts = [order(shard=common_pb2.Shard(index=index, count=2)) for index in range(2)]
        for part in parts:
            await ann.ask("RunEvaluation", part)
        with pytest.raises(Refused, match="shard: others share it out in 2"):
            await ann.ask("RunEvaluation", order(shard=common_pb2.Shard(index=0, count=3)))
    async with serving() as ann:
        told = await ann.stream("WatchEvaluation", WATCH)
        assert told[-1].samples_done == told[-1].samples_planned == QUESTIONS
        assert (await ann.report()).complete
    assert street.asked == QUESTIONS


async def test_one_part_alone_ends_with_a_report_that_is_not_complete(serving: Serving) -> None:
    async with serving() as ann:
        half = await ann.measured(shard=common_pb2.Shard(index=1, count=2))
        assert not half.complete


async def test_a_full_queue_refuses_and_leaves_nothing(serving: Serving) -> None:
    async with serving(works=False, max_jobs=2) as ann:
        waiting = await ann.ask("RunEvaluation", order("one"))
        await ann.ask("RunEvaluation", order("two"))
        with pytest.raises(Overloaded, match="2 evaluations wait") as full:
            await ann.ask("RunEvaluation", order("three"))
        assert (full.value.reason, full.value.retry_after_s) == ("JOB_QUEUE_FULL", 60)
        with pytest.raises(NotFound):
            await ann.report("users/me/reports/three")
        assert (await ann.ask("RunEvaluation", order("one"))).name == waiting.name
        await ann.cancel(waiting.name)
        assert (await ann.operation(waiting.name)).error.code == code_pb2.CANCELLED
        await ann.ask("RunEvaluation", order("three"))


async def test_while_its_job_is_open_a_report_can_not_be_deleted(
    serving: Serving, root: Path
) -> None:
    async with serving(works=False) as ann:
        operation = await ann.ask("RunEvaluation", order())
        with pytest.raises(Refused, match="works on this report; cancel it first"):
            await ann.ask("DeleteReport", DELETE)
        with pytest.raises(Refused, match="nothing of it is measured yet"):
            await ann.stream("DownloadReport", DOWNLOAD)
        named = operations_pb2.DeleteOperationRequest(name=operation.name)
        with pytest.raises(Refused, match="is not over; cancel it first"):
            await ann.ask("DeleteOperation", named)
    async with serving() as ann:
        await ann.over(operation.name)
        await ann.ask("DeleteReport", DELETE)
        with pytest.raises(NotFound):
            await ann.report()
        assert (await ann.operation(operation.name)).done
        await ann.ask("DeleteOperation", named)
        with pytest.raises(NotFound):
            await ann.operation(operation.name)
    assert not paths(root, "users/*/reports/*")
    assert not paths(root, "users/*/jobs/*")


async def test_reports_come_in_pages_by_name_without_their_figures(serving: Serving) -> None:
    async with serving() as ann:
        for name in ("c", "a", "b"):
            await ann.measured(report_id=name)
        found, token = [], ""
        for _ in range(3):
            request = evaluation_pb2.ListReportsRequest(
                parent="users/me", page_size=1, page_token=token
            )
            page = await ann.ask("ListReports", request)
            found += [one.name.rpartition("/")[2] for one in page.reports]
            assert not any(one.figures for one in page.reports)
            token = page.next_page_token
        assert (found, token) == (["a", "b", "c"], "")


async def test_few_operations_are_on_a_page_since_each_has_its_figures(serving: Serving) -> None:
    async with serving(works=False) as ann:
        made = [(await ann.ask("RunEvaluation", order(f"r{number}"))).name for number in range(6)]
        found, token = [], ""
        while not found or token:
            request = operations_pb2.ListOperationsRequest(name="operations", page_token=token)
            page = await ann.ask("ListOperations", request)
            assert len(page.operations) <= MOST
            found += [one.name for one in page.operations]
            token = page.next_page_token
        assert found == sorted(made)
        with pytest.raises(InvalidInput, match="page_size: -1"):
            await ann.ask(
                "ListOperations",
                operations_pb2.ListOperationsRequest(name="operations", page_size=-1),
            )


async def test_a_method_that_is_gone_ends_the_job_and_the_same_order_goes_on_later(
    serving: Serving, slow_street: Street
) -> None:
    async with serving() as ann:
        house = slow_street.houses["kith:1"]
        slow, away = house.fails, Unavailable("kith is away", reason="RPC_UNAVAILABLE")
        house.fails = lambda question: away if len(house.asked) > 8 else None
        operation = await ann.ask("RunEvaluation", order())
        failed = (await ann.over(operation.name)).error
        assert failed.code == code_pb2.UNAVAILABLE
        assert failed.message.startswith("methods: kith can't be reached")
        house.fails = slow
        assert (await ann.measured()).complete


async def test_answers_that_are_errors_are_counted_and_asked_again(
    serving: Serving, street: Street
) -> None:
    async with serving() as ann:
        house = street.houses["kith:1"]
        house.fails = lambda question: (
            Refused("no", reason="NO") if "caption for" in question else None
        )
        operation = await ann.ask("RunEvaluation", order())
        told = progress_of(await ann.over(operation.name))
        assert (told.samples_done, told.samples_failed) == (0, QUESTIONS)
        assert not (await ann.report()).complete
        house.fails = lambda question: None
        assert (await ann.measured()).complete
        last = progress_of(await ann.operation(operation.name))
        assert (last.samples_done, last.samples_failed) == (QUESTIONS, 0)


async def test_an_assistant_with_tokens_is_shown_the_service_s(
    serving: Serving, street: Street
) -> None:
    async with serving(evaluation_token="secret") as ann:
        await ann.ask("RunEvaluation", order(validate_only=True))
    assert [remote.token for remote in street.remotes] == ["secret"]


async def until(ann: Caller, name: str, answered: int) -> None:
    """Waits until so many questions are answered."""
    while progress_of(await ann.operation(name)).samples_done < answered:
        pass
