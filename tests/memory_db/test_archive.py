"""Kith's own archive: everything goes out and comes back, and damage is found."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from kith.errors import InvalidInput
from memory_db import ConceptStore, NewView
from memory_db.archive import ArchivedConcept, read_archive, write_archive
from memory_db.photos import content_hash
from tests.memory_db.making import DIM, image, vector, view


@pytest.fixture
def archive(tmp_path: Path) -> bytes:
    with ConceptStore.open(tmp_path / "a", user="me", model="m", dim=DIM) as store:
        store.remember("bo", "dog", "<bo> is a Shiba", [view("1"), view("2", negative=True)])
        store.remember("小白", "", "", [NewView(image("1"), vector("1"))])
        file = io.BytesIO()
        write_archive(file, store.list().concepts, store.photo)
    return file.getvalue()


def read(content: bytes) -> list[ArchivedConcept]:
    return list(read_archive(io.BytesIO(content)))


def rewrite(archive: bytes, change: dict[str, bytes | None]) -> bytes:
    """The archive with some members of other content, or without them."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive)) as old,
        tarfile.open(fileobj=out, mode="w") as new,
    ):
        for member in old:
            stream = old.extractfile(member)
            assert stream is not None
            content = change.get(member.name, stream.read())
            if content is not None:
                member.size = len(content)
                new.addfile(member, io.BytesIO(content))
    return out.getvalue()


def test_everything_but_vectors_comes_back(archive: bytes, tmp_path: Path) -> None:
    bo, xiaobai = read(archive)
    assert (bo.name, bo.category, bo.description) == ("bo", "dog", "<bo> is a Shiba")
    assert [(v.image, v.box, v.negative) for v in bo.views] == [
        (image("1"), (1.0, 2.0, 30.5, 40.0), False),
        (image("2"), (1.0, 2.0, 30.5, 40.0), True),
    ]
    assert [(v.image, v.box) for v in xiaobai.views] == [(image("1"), None)]
    with ConceptStore.open(tmp_path / "b", user="you", model="other", dim=DIM) as store:
        for concept in (bo, xiaobai):
            views = [NewView(v.image, vector("x"), v.box, v.negative) for v in concept.views]
            store.remember(concept.name, concept.category, concept.description, views)
        again = io.BytesIO()
        write_archive(again, store.list().concepts, store.photo)
    assert again.getvalue() == archive


def test_a_photo_that_two_views_share_is_written_once(archive: bytes) -> None:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        names = tar.getnames()
    assert sorted(names) == sorted(
        [
            f"photos/{content_hash(image('1'))}",
            f"photos/{content_hash(image('2'))}",
            "manifest.json",
        ]
    )


def test_a_photo_that_is_listed_again_and_again_is_held_once(archive: bytes) -> None:
    views = [{"photo": content_hash(image("1")), "box": None, "negative": False}] * 1000
    concept = {"name": "a", "category": "", "description": "", "views": views}
    manifest = json.dumps({"schema": 1, "concepts": [concept]}).encode()
    (read_again,) = read(rewrite(archive, {"manifest.json": manifest}))
    assert len(read_again.views) == 1000
    assert len({id(view.image) for view in read_again.views}) == 1


def test_an_empty_memory_makes_an_empty_archive() -> None:
    file = io.BytesIO()
    write_archive(file, [], lambda blob: b"")
    assert read(file.getvalue()) == []


def test_an_archive_cut_short_anywhere_yields_nothing(archive: bytes) -> None:
    end = archive.rindex(b"}]}") + 3
    for length in {0, 1, 511, 512, 700, end // 2, end - 1}:
        with pytest.raises(InvalidInput, match="archive"):
            read(archive[:length])


def test_a_tar_made_to_exhaust_its_reader_is_refused() -> None:
    long_name = tarfile.TarInfo()
    long_name.type, long_name.size = tarfile.GNUTYPE_LONGNAME, 1
    one = long_name.tobuf(tarfile.GNU_FORMAT) + b"x".ljust(512, b"\0")
    with pytest.raises(InvalidInput, match="archive"):
        read(one * 3000)  # each name is the name of the next


def test_a_changed_photo_is_found_by_its_hash(archive: bytes) -> None:
    blob = content_hash(image("2"))
    with pytest.raises(InvalidInput, match=blob):
        read(rewrite(archive, {f"photos/{blob}": image("another")}))
    with pytest.raises(InvalidInput, match=f"lacks photos/{blob}"):
        read(rewrite(archive, {f"photos/{blob}": None}))


@pytest.mark.parametrize(
    "manifest",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"schema": 2, "concepts": []}',
        b'{"schema": 1, "concepts": [{}]}',
        b'{"schema": 1, "concepts": [1]}',
        b'{"schema": 1, "concepts": [{"name":5,"category":"","description":"","views":[]}]}',
        b'{"schema": 1, "concepts": [{"name":"a","category":null,"description":"","views":[]}]}',
        b"[" * 100_000,
        b'{"schema": 1, "concepts": [{"name":"a","category":"","description":"","views":[{}]}]}',
    ],
)
def test_a_damaged_manifest_is_refused(archive: bytes, manifest: bytes | None) -> None:
    with pytest.raises(InvalidInput, match="archive"):
        read(rewrite(archive, {"manifest.json": manifest}))


@pytest.mark.parametrize("photo", ["../../etc/passwd", "/etc/passwd", 5, None, ["x"]])
def test_a_manifest_reaches_nothing_but_the_archives_photos(archive: bytes, photo: object) -> None:
    views = [{"photo": photo, "box": None, "negative": False}]
    concept = {"name": "a", "category": "", "description": "", "views": views}
    manifest = json.dumps({"schema": 1, "concepts": [concept]}).encode()
    with pytest.raises(InvalidInput):
        read(rewrite(archive, {"manifest.json": manifest}))


@pytest.mark.parametrize(
    "box", [[1, 2, 3], ["a", 0, 0, 0], 7, [1, 2, 3, float("nan")], [10**400, 0, 1, 1]]
)
def test_a_box_must_be_four_numbers(archive: bytes, box: object) -> None:
    views = [{"photo": content_hash(image("1")), "box": box, "negative": False}]
    concept = {"name": "a", "category": "", "description": "", "views": views}
    manifest = json.dumps({"schema": 1, "concepts": [concept]}).encode()
    with pytest.raises(InvalidInput):
        read(rewrite(archive, {"manifest.json": manifest}))
