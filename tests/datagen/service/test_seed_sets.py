"""Seed sets come from strangers: what is taken is plain, and nothing else is taken."""

import errno
import os
import stat
import tempfile
import zipfile
from pathlib import Path

import pytest
from google.rpc import code_pb2
from PIL.Image import Image

from datagen import seeds
from datagen.service import place, seed_sets, seed_zip
from kith.errors import InvalidInput, NotFound, Refused
from kith.v1 import datagen_pb2
from tests.datagen.service.calling import order, progress_of
from tests.datagen.service.conftest import Serving
from tests.datagen.service.zips import INDEX, photo, zip_of
from tests.datagen.service.zips import seed_zip as good
from tests.disk import no_file_above
from tests.runtime.jobs import paths

ZEROS = bytes(25 * 2**20)
PHOTO = ("bo/train/a.png", photo())


async def test_photos_are_kept_plain_in_their_order_and_twice_the_same_is_once(
    serving: Serving, root: Path
) -> None:
    content = good(("__MACOSX/bo/x", b"?"), ("bo/train/.DS_Store", b"?"), ("bo/", b""))
    async with serving(draws=False) as ann:
        first = await ann.upload(content)
        again = await ann.upload(content)
    assert first == again
    assert (list(first.concepts), first.train_images, first.test_images) == (["bo", "mug"], 3, 1)
    (folder,) = paths(root, "users/*/seed-sets/*")
    files = {path.relative_to(folder).as_posix() for path in paths(folder, "**/*.*")}
    photos = {"bo/train/0001.jpg", "bo/train/0002.jpg", "bo/test/0001.jpg", "mug/train/0001.jpg"}
    assert files == photos | {"concepts.yaml"}
    assert not [name for name in files if b"Brno" in (folder / name).read_bytes()]
    beach = next(seeds.read_seeds(folder, None)[0].views())  # before "walk"
    assert abs(beach.getpixel((3, 3))[0] - 2) <= 1  # type: ignore[index]


def link(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


HOSTILE = [
    (b"no zip at all", "no whole zip file"),
    (b"", "no whole zip file"),
    (good()[:-40], "no whole zip file"),
    (good(("../../evil.jpg", photo())), "'../../evil.jpg' leads out of it"),
    (good(("/etc/train/a.jpg", photo())), "leads out of it"),
    (good(("bo\\..\\x/train/a.jpg", photo())), "leads out of it"),
    (good((link("bo/train/z.jpg"), b"/etc/passwd")), "is a link or encrypted"),
    (good(("bo/train/z.jpg", ZEROS)), "'bo/train/z.jpg' has more than 20971520 bytes"),
    (good(("bo/train/z.jpg", b"GIF89a...")), "bo/train/z.jpg: GIF; send a JPEG"),
    (good(("bo/train/z.jpg", photo(size=(9000, 9)))), "z.jpg: 9000 x 9 pixels"),
    (good(("notes.txt", b"hello")), "'notes.txt' is neither concepts.yaml nor"),
    (good((f"{'ö' * 130}/train/a.jpg", photo())), "is neither concepts.yaml nor"),
    (zip_of(("bo/train/a.png", photo())), "the zip file has no concepts.yaml"),
    (zip_of(("concepts.yaml", b"[" * 9999), ("bo/train/a.png", photo())), "concepts.yaml: can't"),
    (zip_of(("concepts.yaml", INDEX + b"bo: {category: pet}"), PHOTO), "line 3: 'bo' stands in l"),
    (zip_of(("concepts.yaml", INDEX), ("bo/train/a.png", photo())), "'mug' has no folder"),
    (zip_of(("concepts.yaml", bytes(300_000))), "has more than 262144 bytes"),
    (zip_of(*((f"x{n}/", b"") for n in range(5001))), "more than 5000 entries"),
]


@pytest.mark.parametrize(("content", "said"), HOSTILE, ids=[said[:24] for _, said in HOSTILE])
async def test_a_hostile_file_is_refused_by_name_and_leaves_nothing(
    serving: Serving, root: Path, content: bytes, said: str
) -> None:
    async with serving(draws=False) as ann:
        with pytest.raises(InvalidInput, match="chunk: ") as refused:
            await ann.upload(content)
    assert said in str(refused.value)
    assert str(root) not in str(refused.value)
    assert [path for path in paths(root, "**/*") if path.is_file()] == []
    assert not paths(root, "users/*/seed-sets/.*")


async def test_what_comes_out_of_a_file_is_counted_whatever_the_file_says(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_zip, "MAX_UNPACKED_BYTES", 300)
    async with serving(draws=False) as ann:
        with pytest.raises(InvalidInput, match="have more than 300 bytes"):
            await ann.upload(good())
        monkeypatch.setattr(seed_sets, "MAX_FILE_BYTES", 500)
        with pytest.raises(InvalidInput, match="the file has more than 500 bytes"):
            await ann.upload(good())


async def test_a_list_of_entries_too_long_for_memory_is_not_read(serving: Serving) -> None:
    whole = bytearray(good())
    end = whole.rfind(b"PK\x05\x06")
    long = whole.copy()
    long[end + 12 : end + 16] = (2**31).to_bytes(4, "little")
    of_64 = whole[:end] + b"PK\x06\x07" + bytes(16) + whole[end:]
    async with serving(draws=False) as ann:
        for content in (long, of_64):
            with pytest.raises(InvalidInput, match="more than 5000 entries"):
                await ann.upload(bytes(content))


async def test_a_seed_set_is_planned_and_what_is_wrong_with_it_is_said(
    serving: Serving, root: Path, tmp_path: Path
) -> None:
    async with serving(models=tmp_path / "models") as ann:
        seeds = await ann.upload(good())
        wish = {"engine": datagen_pb2.ENGINE_MSDIFFUSION, "seed_set": seeds.name}
        checked = await ann.ask("MakeDataset", order(validate_only=True, **wish))
        # Two of five concepts: as much of both parts, rounded up. No combination fits them.
        assert progress_of(checked).images_planned == 2 + 2
        operation = await ann.ask("MakeDataset", order(**wish))
        failed = (await ann.over(operation.name)).error
        assert failed.code == code_pb2.FAILED_PRECONDITION
        assert failed.message.startswith("models: ")
        assert str(tmp_path) not in failed.message
        other = await ann.upload(zip_of(("concepts.yaml", b"bo: {category: car}"), PHOTO))
        for changed, said in (
            ({"seed_set": other.name}, "seed_set: concepts.yaml: bo: category: 'car' is unknown"),
            ({"seed_set": ""}, "seed_set: MS-Diffusion draws the concepts of a seed set"),
            ({"engine": datagen_pb2.ENGINE_PLAYROOM}, "seed_set: .*Playroom its own; leave it"),
        ):
            with pytest.raises(InvalidInput, match=said):
                await ann.ask("MakeDataset", order("second", **wish | changed))


LIST = datagen_pb2.ListSeedSetsRequest(parent="users/me")


async def test_seed_sets_are_listed_and_deleted_and_what_was_made_of_them_stays(
    serving: Serving, root: Path
) -> None:
    async with serving(draws=False) as ann:
        first, other = await ann.upload(good()), await ann.upload(good(PHOTO))
        listed = (await ann.ask("ListSeedSets", LIST)).seed_sets
        assert sorted(listed, key=lambda one: one.name) == sorted(
            [first, other], key=lambda one: one.name
        )
        one = datagen_pb2.ListSeedSetsRequest(parent="users/me", page_size=1)
        pages = [await ann.ask("ListSeedSets", one)]
        one.page_token = pages[0].next_page_token
        pages.append(await ann.ask("ListSeedSets", one))
        assert [seeds for page in pages for seeds in page.seed_sets] == list(listed)
        delete = datagen_pb2.DeleteSeedSetRequest(name=first.name)
        await ann.ask("DeleteSeedSet", delete)
        assert list((await ann.ask("ListSeedSets", LIST)).seed_sets) == [other]
        with pytest.raises(NotFound):
            await ann.ask("DeleteSeedSet", delete)
    assert len(paths(root, "users/*/seed-sets/*")) == 1


async def test_a_seed_set_stays_while_a_dataset_is_made_of_it(
    serving: Serving, tmp_path: Path
) -> None:
    async with serving(draws=False, models=tmp_path / "models") as ann:
        seeds = await ann.upload(good())
        wish = {"engine": datagen_pb2.ENGINE_MSDIFFUSION, "seed_set": seeds.name}
        operation = await ann.ask("MakeDataset", order(**wish))
        with pytest.raises(Refused, match=operation.name) as refused:
            await ann.ask("DeleteSeedSet", datagen_pb2.DeleteSeedSetRequest(name=seeds.name))
        assert refused.value.reason == "SEED_SET_IN_USE"


async def test_a_seed_set_deleted_while_it_is_read_is_one_that_is_not_there(
    serving: Serving, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = seeds.open_picture
    going: list[str] = []

    def as_it_goes(path: Path, field: str) -> Image:
        picture = read(path, field)
        for name in going:
            seed_sets.delete(place.Place(root, "ann"), name)
        going.clear()
        return picture

    monkeypatch.setattr(seeds, "open_picture", as_it_goes)
    async with serving(draws=False, models=tmp_path / "models") as ann:
        first, other = await ann.upload(good()), await ann.upload(good(PHOTO))
        going = [first.name]
        assert list((await ann.ask("ListSeedSets", LIST)).seed_sets) == [other]
        going = [other.name]
        wish = {"engine": datagen_pb2.ENGINE_MSDIFFUSION, "seed_set": other.name}
        with pytest.raises(NotFound):
            await ann.ask("MakeDataset", order(**wish))


async def test_a_seed_set_that_can_not_be_written_is_refused_and_leaves_nothing(
    serving: Serving, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with serving(draws=False) as ann:
        for owner, made in ((tempfile, "TemporaryFile"), (Path, "mkdir")):
            with monkeypatch.context() as patch:
                patch.setattr(owner, made, full)
                with pytest.raises(Refused, match=r"can't write .*: No space left on device; the"):
                    await ann.upload(good())
        large = good(("bo/train/z.png", photo(size=(2000, 2000))))
        for size, what in ((100, "the seed set"), (len(large), r"bo/train/0003\.jpg")):
            with (
                no_file_above(size),
                pytest.raises(Refused, match=f"^can't write {what}: File too"),
            ):
                await ann.upload(large)
        assert not paths(root, "users/*/seed-sets/*")
        assert await ann.upload(good())


async def test_what_is_kept_for_a_user_has_a_limit(
    serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seed_sets, "MAX_SEED_SETS", 1)
    monkeypatch.setattr(place, "MAX_DATASETS", 1)
    async with serving(draws=False) as ann:
        content = good()
        kept = await ann.upload(content)
        assert await ann.upload(content) == kept
        with pytest.raises(Refused, match="delete one") as refused:
            await ann.upload(good(PHOTO))
        assert refused.value.reason == "TOO_MANY_SEED_SETS"
        await ann.ask("MakeDataset", order())
        await ann.ask("MakeDataset", order())
        with pytest.raises(Refused, match="delete one") as refused:
            await ann.ask("MakeDataset", order("second"))
        assert refused.value.reason == "TOO_MANY_DATASETS"
        assert await ann.also("bob").upload(good(PHOTO))
