"""Users are apart: whatever of another's is named, in whatever call, there is no such thing."""

from evaluation.service.serve import EVALUATION
from kith.v1 import evaluation_pb2
from tests.evaluation.service.calling import order
from tests.evaluation.service.conftest import Serving
from tests.runtime.jobs import calls_in_vain, let_in_without_a_token


async def test_nothing_of_another_user_is_found_by_any_call(serving: Serving) -> None:
    async with serving() as ann:
        await ann.measured(report_id="hers")
        hers = await ann.report("users/me/reports/hers")
        own = {"RunEvaluation": [order(parent="users/ann")]}
        assert len(await calls_in_vain(ann, EVALUATION, hers.name, own)) == 10
        assert await ann.report("users/me/reports/hers") == hers
        mine = evaluation_pb2.ListReportsRequest(parent="users/me")
        assert (await ann.also("bob").ask("ListReports", mine)).reports == []


async def test_two_users_may_call_their_reports_alike(serving: Serving) -> None:
    async with serving() as ann:
        hers = await ann.measured()
        his = await ann.also("bob").measured(methods=["rap"])
        assert (hers.name, his.name) == ("users/ann/reports/first", "users/bob/reports/first")
        assert {one.method for one in his.figures} == {"rap"}


async def test_without_a_token_nobody_is_let_in(serving: Serving) -> None:
    async with serving(works=False) as ann:
        await let_in_without_a_token(ann, "RunEvaluation", order())
