"""A dataset is ordered, watched, fetched and deleted through the contract alone."""

import io
import resource
import uuid
import zipfile
from pathlib import Path

import pytest
from google.longrunning import operations_pb2
from google.rpc import code_pb2
from PIL import Image

from datagen import making
from datagen.finished import opened_for
from datagen.making import Order
from datagen.records import Records
from datagen.review.opinions import Opinion, Picture, write_opinion
from datagen.service import drawing
from datagen.service.books import KEPT
from datagen.service.serve import books_of, serve
from datagen.service.settings import DatagenSettings
from datagen.service.tally import Standing, Tally
from kith.errors import AlreadyExists, InvalidInput, NotFound, Overloaded, Refused
from kith.v1 import common_pb2, datagen_pb2
from tests.datagen.msdiffusion.tiny import write_models
from tests.datagen.service.calling import FIRST, Caller, order, progress_of
from tests.datagen.service.conftest import Serving
from tests.datagen.service.zips import seed_zip
from tests.datagen.small import small_layout
from tests.runtime.jobs import LIST_OPERATIONS, paths

WATCH = datagen_pb2.WatchDatasetRequest(name=FIRST)
DELETE = datagen_pb2.DeleteDatasetRequest(name=FIRST)
DOWNLOAD = datagen_pb2.DownloadDatasetRequest(name=FIRST)


async def test_a_dataset_is_made_watched_and_fetched(serving: Serving) -> None:
    async with serving() as ann:
        operation = await ann.ask("MakeDataset", order())
        assert (operation.done, progress_of(operation).images_planned) == (False, 11)
        told = await ann.stream("WatchDataset", WATCH)
        assert [one.images_planned for one in told] == [11] * len(told)
        done = [one.images_done for one in told]
        assert done == sorted(set(done))
        assert done[-1] == 11
        finished = await ann.operation(operation.name)
        made = datagen_pb2.Dataset()
        assert finished.response.Unpack(made)
        assert made == await ann.dataset()
        assert (made.train_single, made.test_single, made.test_multi) == (5, 3, 3)
        assert (made.name, made.concepts, made.complete) == ("users/ann/datasets/first", 5, True)
        pieces = await ann.stream("DownloadDataset", DOWNLOAD)
    assert max(len(piece.chunk) for piece in pieces) <= 2**20
    with zipfile.ZipFile(io.BytesIO(b"".join(piece.chunk for piece in pieces))) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        sums = archive.read("checksums.sha256").decode().split()[1::2]
    assert set(names) == {*sums, "checksums.sha256"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
async def test_ms_diffusion_draws_a_seed_set(serving: Serving, tmp_path: Path) -> None:
    async with serving(models=write_models(tmp_path / "models")) as ann:
        seeds = await ann.upload(seed_zip())
        wish = {"engine": datagen_pb2.ENGINE_MSDIFFUSION, "seed_set": seeds.name}
        made = await ann.made(**wish)
        assert (made.train_single, made.test_single, made.complete) == (2, 2, True)
        pieces = await ann.stream("DownloadDataset", DOWNLOAD)
    with zipfile.ZipFile(io.BytesIO(b"".join(piece.chunk for piece in pieces))) as archive:
        picture = Image.open(io.BytesIO(archive.read("train/0001.jpg")))
    assert picture.size == (64, 64)


async def test_what_is_told_of_the_time_left_is_so_for_the_dataset_at_work(
    serving: Serving,
) -> None:
    async with serving() as ann:
        await ann.ask("MakeDataset", order())
        told = await ann.stream("WatchDataset", WATCH)
        assert not told[0].HasField("remaining")
        assert all(one.remaining.ToNanoseconds() < 20e9 for one in told)


async def test_the_same_order_again_makes_nothing_and_other_settings_are_refused(
    serving: Serving,
) -> None:
    async with serving() as ann:
        first = await ann.made()
        assert await ann.made() == first
        with pytest.raises(AlreadyExists, match="dataset_id: first is a dataset with other set"):
            await ann.ask("MakeDataset", order(random_seed=1))


async def test_a_request_id_starts_one_job_whatever_happens_in_between(serving: Serving) -> None:
    again = order(request_id=str(uuid.uuid4()))
    async with serving() as ann:
        first = await ann.ask("MakeDataset", again)
        await ann.over(first.name)
        assert (await ann.ask("MakeDataset", again)).name == first.name
        assert (await ann.ask("MakeDataset", order())).name != first.name


async def test_checking_alone_plans_and_leaves_nothing(serving: Serving, root: Path) -> None:
    async with serving() as ann:
        checked = await ann.ask("MakeDataset", order(validate_only=True, limit=7))
        assert (checked.done, progress_of(checked).images_planned) == (True, 7)
        for wrong, error in (
            (order(validate_only=True, split="zork"), NotFound),
            (order(validate_only=True, engine=datagen_pb2.ENGINE_MSDIFFUSION), Refused),
            (order(seed_set="users/me/seedSets/x"), NotFound),
        ):
            with pytest.raises(error):
                await ann.ask("MakeDataset", wrong)
        assert (await ann.ask("ListOperations", LIST_OPERATIONS)).operations == []
    assert not paths(root, "users/*/datasets/*")


async def test_a_layout_of_the_operators_is_asked_for_by_its_name(
    serving: Serving, root: Path
) -> None:
    (root / "layouts").mkdir()
    small_layout(root / "layouts", name="own")
    (root / "layouts" / "small.yaml").rename(root / "layouts" / "own-1.yaml")
    async with serving() as ann:
        made = await ann.made(split="own-1", limit=3)
        assert (made.split, made.complete) == ("own-1", True)
        with pytest.raises(NotFound, match=r"'zork'; give one of own-1, small$"):
            await ann.ask("MakeDataset", order("other", split="zork"))


async def test_a_layout_that_does_not_fit_is_told_at_the_start(root: Path) -> None:
    (root / "layouts").mkdir()
    (root / "layouts" / "bad.yaml").write_text("name: bad\n", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"layout: bad\.yaml: concepts: is missing or empty"):
        await serve(DatagenSettings(datagen_dir=root), print)


@pytest.mark.usefixtures("_slowly")
async def test_cancelled_it_keeps_what_is_done_and_goes_on_from_there(serving: Serving) -> None:
    async with serving() as ann:
        operation = await ann.ask("MakeDataset", order())
        await cancel_at_half(ann, operation.name)
        over = await ann.over(operation.name)
        assert over.error.code == code_pb2.CANCELLED
        kept = await ann.dataset()
        left = 11 - (kept.train_single + kept.test_single + kept.test_multi)
        assert 0 < left < 11
        assert not kept.complete
        with pytest.raises(Refused, match="not complete"):
            await ann.stream("DownloadDataset", DOWNLOAD)
        await ann.ask("CancelOperation", operations_pb2.CancelOperationRequest(name=operation.name))
        whole = await ann.made()
        assert whole.complete
        assert whole.fingerprint == (await ann.made(dataset_id="straight")).fingerprint


@pytest.mark.usefixtures("_slowly")
async def test_what_was_cancelled_a_moment_ago_is_gone_on_with_at_once(serving: Serving) -> None:
    async with serving() as ann:
        first = await ann.ask("MakeDataset", order())
        await cancel_at_half(ann, first.name)
        second = await ann.ask("MakeDataset", order())
        assert second.name != first.name
        assert not (await ann.over(second.name)).HasField("error")
        assert (await ann.over(first.name)).error.code == code_pb2.CANCELLED
        assert (await ann.dataset()).complete


async def cancel_at_half(ann: Caller, name: str) -> None:
    while progress_of(await ann.operation(name)).images_done < 3:
        pass
    await ann.ask("CancelOperation", operations_pb2.CancelOperationRequest(name=name))


async def test_a_dataset_whose_rejects_are_drawn_anew_is_not_complete_meanwhile(
    serving: Serving, root: Path
) -> None:
    async with serving() as ann:
        before = await ann.made()
    (data,) = paths(root, "users/*/datasets/first/data")
    picture = Picture("train/0001.jpg", Records(data).of("train/0001").sha256)
    write_opinion(data, picture, "ann", Opinion("reject", "SUBJECT_CUT"))
    async with serving(draws=False) as ann:
        assert (await ann.dataset()).complete
        ordered = making.accept(Order("playroom", "small", data))
        steps = making.make(ordered)
        next(steps)
        anew = await ann.dataset()
        assert (anew.complete, anew.train_single, anew.fingerprint) == (False, 4, "")
        assert [(one.cause, one.images) for one in anew.rejects] == [("SUBJECT_CUT", 1)]
        assert list(steps)
        drawn = await ann.dataset()
        assert (drawn.complete, drawn.train_single) == (False, 5)
        ordered.dataset.finish(ordered.plan, ordered.layout)
        after = await ann.dataset()
        assert (after.complete, after.train_single) == (True, 5)
        assert after.fingerprint != before.fingerprint


async def test_a_dataset_gone_on_with_as_it_is_looked_at_is_not_complete(
    serving: Serving, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = Tally.look

    def as_it_is_gone_on_with(tally: Tally) -> Standing:
        standing = look(tally)
        (seal,) = paths(root, "users/*/datasets/first/data/checksums.sha256")
        seal.unlink()
        return standing

    async with serving() as ann:
        await ann.made()
        monkeypatch.setattr(Tally, "look", as_it_is_gone_on_with)
        found = await ann.dataset()
    assert (found.complete, found.fingerprint, found.train_single) == (False, "", 5)


async def test_a_dataset_that_is_reviewed_is_not_gone_on_with(serving: Serving, root: Path) -> None:
    async with serving() as ann:
        await ann.made()
        (data,) = paths(root, "users/*/datasets/first/data")
        with opened_for("review", data):
            operation = await ann.ask("MakeDataset", order())
            failed = (await ann.over(operation.name)).error
        assert failed.code == code_pb2.FAILED_PRECONDITION
        assert "dataset_id: kith datagen review is at work in users/ann/" in failed.message
        assert (await ann.made()).complete


def test_few_tallies_are_remembered(tmp_path: Path) -> None:
    tallies = books_of(DatagenSettings(datagen_dir=tmp_path))._tallies
    for number in range(3 * KEPT):
        assert tallies(tmp_path / f"{number}", 0).look().done == 0
    assert tallies.cache_info().currsize == KEPT


async def test_a_full_queue_refuses_and_leaves_nothing(serving: Serving, root: Path) -> None:
    async with serving(draws=False, max_jobs=2) as ann:
        waiting = await ann.ask("MakeDataset", order("one"))
        await ann.ask("MakeDataset", order("two"))
        with pytest.raises(Overloaded, match="2 datasets wait") as full:
            await ann.ask("MakeDataset", order("three"))
        assert (full.value.reason, full.value.retry_after_s) == ("JOB_QUEUE_FULL", 60)
        with pytest.raises(NotFound):
            await ann.dataset("users/me/datasets/three")
        assert (await ann.ask("MakeDataset", order("one"))).name == waiting.name
        await ann.ask("CancelOperation", operations_pb2.CancelOperationRequest(name=waiting.name))
        assert (await ann.operation(waiting.name)).error.code == code_pb2.CANCELLED
        await ann.ask("MakeDataset", order("three"))


async def test_parts_make_one_dataset_and_another_division_is_refused(serving: Serving) -> None:
    async with serving(draws=False) as ann:
        parts = [order(shard=common_pb2.Shard(index=index, count=2)) for index in range(2)]
        for part in parts:
            await ann.ask("MakeDataset", part)
        with pytest.raises(Refused, match="in 2 parts"):
            await ann.ask("MakeDataset", order(shard=common_pb2.Shard(index=0, count=3)))
    async with serving() as ann:
        await ann.stream("WatchDataset", WATCH)
        made = await ann.dataset()
        assert made.complete
        assert made.fingerprint == (await ann.made(dataset_id="straight")).fingerprint


@pytest.mark.usefixtures("_slowly")
async def test_two_servers_share_a_folder_and_each_ends_what_the_other_has(
    serving: Serving,
) -> None:
    async with serving() as one, serving() as other:
        for number, server in enumerate((one, other)):
            part = common_pb2.Shard(index=number, count=2)
            await server.ask("MakeDataset", order(shard=part))
        await one.stream("WatchDataset", WATCH)
        assert (await other.dataset()).fingerprint == (
            await other.made(dataset_id="straight")
        ).fingerprint
        operation = await one.ask("MakeDataset", order("second"))
        cancel = operations_pb2.CancelOperationRequest(name=operation.name)
        await other.ask("CancelOperation", cancel)
        assert (await other.over(operation.name)).error.code == code_pb2.CANCELLED


async def test_one_part_alone_ends_with_the_dataset_not_complete(serving: Serving) -> None:
    async with serving() as ann:
        half = await ann.made(shard=common_pb2.Shard(index=1, count=2))
        assert (half.train_single + half.test_single + half.test_multi, half.complete) == (5, False)


async def test_while_its_job_is_open_a_dataset_can_not_be_deleted(
    serving: Serving, root: Path
) -> None:
    async with serving(draws=False) as ann:
        operation = await ann.ask("MakeDataset", order())
        with pytest.raises(Refused, match="works on this dataset; cancel it first"):
            await ann.ask("DeleteDataset", DELETE)
        named = operations_pb2.DeleteOperationRequest(name=operation.name)
        with pytest.raises(Refused, match="is not over; cancel it first"):
            await ann.ask("DeleteOperation", named)
    async with serving() as ann:
        await ann.over(operation.name)
        await ann.ask("DeleteDataset", DELETE)
        with pytest.raises(NotFound):
            await ann.dataset()
        assert (await ann.operation(operation.name)).done
        await ann.ask("DeleteOperation", named)
        with pytest.raises(NotFound):
            await ann.operation(operation.name)
    assert not paths(root, "**/*.jpg")
    assert not paths(root, "users/*/jobs/*")


async def test_datasets_come_in_pages_by_name(serving: Serving) -> None:
    async with serving(draws=False) as ann:
        for name in ("c", "a", "b"):
            await ann.ask("MakeDataset", order(name))
        found, token = [], ""
        for _ in range(3):
            request = datagen_pb2.ListDatasetsRequest(
                parent="users/me", page_size=1, page_token=token
            )
            page = await ann.ask("ListDatasets", request)
            found += [one.name.rpartition("/")[2] for one in page.datasets]
            token = page.next_page_token
        assert (found, token) == (["a", "b", "c"], "")
        request.page_token = "../x"
        with pytest.raises(InvalidInput, match="page_token"):
            await ann.ask("ListDatasets", request)
        listed = await ann.ask("ListOperations", LIST_OPERATIONS)
        assert len(listed.operations) == 3


async def test_a_job_that_fails_tells_why_and_no_path_of_the_servers(
    serving: Serving, root: Path
) -> None:
    async with serving(draws=False) as ann:
        operation = await ann.ask("MakeDataset", order())
    (folder,) = paths(root, "users/*/datasets/first")
    (folder / "data").write_text("no folder", encoding="utf-8")
    async with serving() as ann:
        failed = (await ann.over(operation.name)).error
        assert failed.code == code_pb2.INVALID_ARGUMENT
        assert "users/ann/datasets/first/data holds something else" in failed.message
        assert str(root) not in failed.message


async def test_a_full_disk_is_told_and_nothing_is_lost(serving: Serving, root: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with serving() as ann:
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (9000, hard))  # of any one file
            operation = await ann.ask("MakeDataset", order())
            failed = (await ann.over(operation.name)).error
            half = set(paths(root, "users/*/datasets/first/data/[tm]*/*.jpg"))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert failed.code == code_pb2.FAILED_PRECONDITION
        assert "can't write users/ann/datasets/first/data/" in failed.message
        assert half
        assert (await ann.made()).fingerprint == (await ann.made(dataset_id="new")).fingerprint
        assert half <= set(paths(root, "users/*/datasets/first/data/[tm]*/*.jpg"))


async def test_a_bug_ends_its_job_and_not_the_workshop(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError

    async with serving() as ann:
        with monkeypatch.context() as patch:
            patch.setattr(drawing.making, "accept", broken)
            operation = await ann.ask("MakeDataset", order())
            assert (await ann.over(operation.name)).error.code == code_pb2.INTERNAL
        assert (await ann.made()).complete
