"""Users are apart: whatever of another's is named, in whatever call, there is no such thing."""

from datagen.service.servicer import DATAGEN
from kith.v1 import datagen_pb2
from tests.datagen.service.calling import order
from tests.datagen.service.conftest import Serving
from tests.datagen.service.zips import seed_zip
from tests.runtime.jobs import calls_in_vain, let_in_without_a_token, named_by


async def test_nothing_of_another_user_is_found_by_any_call(serving: Serving) -> None:
    async with serving() as ann:
        hers = await ann.made(dataset_id="hers")
        sets = named_by((await ann.upload(seed_zip())).name)
        header = datagen_pb2.UploadSeedSetHeader(parent="users/ann")
        drawn = [order(engine=datagen_pb2.ENGINE_MSDIFFUSION, seed_set=one) for one in sets]
        own = {
            "UploadSeedSet": [datagen_pb2.UploadSeedSetRequest(header=header)],
            "MakeDataset": [order(parent="users/ann"), *drawn],
            "DeleteSeedSet": [datagen_pb2.DeleteSeedSetRequest(name=one) for one in sets],
            "MineNegatives": [],
            "MakeMask": [],
        }
        assert len(await calls_in_vain(ann, DATAGEN, hers.name, own)) == 13
        assert await ann.dataset("users/me/datasets/hers") == hers
        mine = datagen_pb2.ListDatasetsRequest(parent="users/me")
        assert (await ann.also("bob").ask("ListDatasets", mine)).datasets == []


async def test_two_users_may_call_their_datasets_alike(serving: Serving) -> None:
    async with serving() as ann:
        hers = await ann.made()
        his = await ann.also("bob").made(random_seed=1)
        assert (hers.name, his.name) == ("users/ann/datasets/first", "users/bob/datasets/first")
        assert hers.fingerprint != his.fingerprint


async def test_without_a_token_nobody_is_let_in(serving: Serving) -> None:
    async with serving(draws=False) as ann:
        await let_in_without_a_token(ann, "MakeDataset", order())
