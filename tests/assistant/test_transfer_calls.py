import asyncio
import errno
import io
import json
import tempfile
import threading
import time
import zipfile
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from kith.errors import InvalidInput, Refused, Unavailable
from kith.v1 import assistant_pb2_grpc, memory_pb2, query_pb2, transfer_pb2
from memory_db import Box, Concept, View
from memory_db.archive import write_archive
from memory_db.photos import content_hash
from services.assistant import servicer, transfer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.assistant.transfer import Format, export_memory, import_memory
from services.runtime import images
from services.runtime.calls import calling, open_channel
from services.runtime.room import Room
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.calling import PARENT, Caller, answering, picture
from tests.assistant.world import Bench, PaintEmbedder, Thing, open_store, paint
from tests.disk import no_file_above

DOG, MUG = Thing("dog", 10), Thing("mug", 20)
ARCHIVE, RAP = transfer_pb2.MEMORY_FORMAT_KITH_ARCHIVE, transfer_pb2.MEMORY_FORMAT_RAP_FOLDER


@pytest.fixture
async def me(memory_folder: Path, stages: Stages) -> AsyncIterator[Caller]:
    async with answering(memory_folder, stages) as caller:
        yield caller


async def exported(caller: Caller, form: transfer_pb2.MemoryFormat.ValueType) -> bytes:
    request = transfer_pb2.ExportMemoryRequest(parent=PARENT, format=form)
    call = caller.stub.ExportMemory(request, metadata=caller.metadata)
    return b"".join([response.chunk async for response in call])


def pieces(
    file: bytes, form: transfer_pb2.MemoryFormat.ValueType
) -> Iterator[transfer_pb2.ImportMemoryRequest]:
    header = transfer_pb2.ImportMemoryHeader(parent=PARENT, format=form)
    yield transfer_pb2.ImportMemoryRequest(header=header)
    for start in range(0, len(file), 10_000):
        yield transfer_pb2.ImportMemoryRequest(chunk=file[start : start + 10_000])


def archive(**concepts: list[tuple[bytes, Box | None]]) -> bytes:
    """An archive by hand: of each concept the photos, and where they were cut out."""
    now, file = datetime.now(UTC), io.BytesIO()
    photos = {content_hash(photo): photo for views in concepts.values() for photo, _ in views}
    made = [
        Concept(
            id=name,
            name=name,
            category="dog",
            description="",
            etag="",
            created=now,
            updated=now,
            views=tuple(View("", content_hash(photo), box, False, now) for photo, box in views),
        )
        for name, views in concepts.items()
    ]
    write_archive(file, made, photos.__getitem__)
    return file.getvalue()


async def as_chunks(file: bytes) -> AsyncIterator[bytes]:
    yield file


async def known(caller: Caller, *things: Thing) -> list[str]:
    request = query_pb2.RetrieveRequest(parent=PARENT, images=[picture(paint(*things))])
    (found,) = (await caller("Retrieve", request)).retrievals
    return [one.display_name for one in found.accepted]


@pytest.mark.parametrize("form", [ARCHIVE, RAP])
async def test_a_memory_moves_to_another_user(
    me: Caller, form: transfer_pb2.MemoryFormat.ValueType
) -> None:
    bo = await me.remember("bo", DOG, Thing("dog", 60))
    await me.remember("cup", MUG)
    rejected = memory_pb2.RejectMatchRequest(name=bo.name, photo=picture(paint(Thing("dog", 30))))
    await me("RejectMatch", rejected)
    file = await exported(me, form)

    you = me.by("you")
    taken = await you("ImportMemory", pieces(file, form))

    assert [one.display_name for one in taken.concepts] == ["bo", "cup"]
    assert [len(one.views) for one in taken.concepts] == [0, 0]
    assert not taken.problems
    listed = await you("ListConcepts", memory_pb2.ListConceptsRequest(parent=PARENT))
    views = [[view.negative for view in one.views] for one in listed.concepts]
    assert views == ([[False, False, True], [False]] if form == ARCHIVE else [[False], [False]])
    assert listed.concepts[0].description == bo.description
    assert await known(you, DOG) == ["bo"]
    again = await you("ImportMemory", pieces(file, form))
    assert [(one.entry, one.reason) for one in again.problems] == [
        (name if form == ARCHIVE else f"<{name}>", "ALREADY_EXISTS") for name in ("bo", "cup")
    ]


async def test_a_rap_folder_written_by_hand_is_taken_as_far_as_it_is_sound(me: Caller) -> None:
    database = {
        "concept_dict": {
            "<bo>": {"name": "bo", "image": "db/bo.png", "info": "<bo> is ...", "category": "dog"},
            "<gone>": {"name": "gone", "image": "db/gone.png", "info": "", "category": "dog"},
            "<odd>": {"name": "odd", "image": "db/odd.png", "info": "", "category": "dog"},
            "<text>": "a text",
        },
        "path_to_concept": {},
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as folder:
        folder.writestr("db/database.json", json.dumps(database))
        folder.writestr("db/bo.png", images.encode(paint(DOG)))
        folder.writestr("db/odd.png", b"not a picture")
        folder.writestr("db/stray.png", b"not a picture either")

    taken = await me("ImportMemory", pieces(file.getvalue(), RAP))

    assert [one.display_name for one in taken.concepts] == ["bo"]
    assert {(one.entry, one.reason) for one in taken.problems} == {
        ("<gone>", "PHOTO_MISSING"),
        ("<odd>", "NOT_AN_IMAGE"),
        ("<text>", "RAP_FOLDER_INVALID"),
    }
    assert await known(me, Thing("dog", 12)) == ["bo"]


async def test_an_import_holds_one_decoded_photo_at_a_time_and_decodes_it_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(pixels=1)
    asked: list[int] = []

    class Watched(PaintEmbedder):
        async def embed_images(self, images: Sequence[Image.Image]) -> NDArray[np.float32]:
            asked.append(len(images))
            async with asyncio.timeout(10):
                while room._held.total() != 100 * 80:  # noqa: ASYNC110 - another thread lets go
                    await asyncio.sleep(0.001)
            return await super().embed_images(images)

    monkeypatch.setattr(transfer, "ROOM", room)
    bo, other = (images.encode(paint(Thing("dog", looks))) for looks in (10, 60))
    boxes: list[Box | None] = [None, (0.0, 0.0, 100.0, 80.0), (5.0, 5.0, 105.0, 85.0)]
    file = archive(bo=[*((bo, box) for box in boxes), (other, None)])

    stages = replace(bench.stages, embedder=Watched())
    taken = await import_memory(stages, bench.store, as_chunks(file), Format.ARCHIVE)

    assert asked == [1, 1]
    assert [view.box for view in taken.concepts[0].views] == [*boxes, None]
    blobs = [view.blob for view in taken.concepts[0].views]
    assert blobs == [content_hash(bo)] * 3 + [content_hash(other)]


async def test_an_import_finds_no_room_beside_other_requests_pictures(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = images.encode(paint(DOG))
    monkeypatch.setattr(transfer, "ROOM", Room(pixels=10_000))
    held = transfer.ROOM.decode_all({"photo": photo}, "another request")
    file = archive(bo=[(photo, None)])
    taken = await import_memory(bench.stages, bench.store, as_chunks(file), Format.ARCHIVE)
    assert [(one.entry, one.reason) for one in taken.problems] == [("bo", "PICTURES_FILL_MEMORY")]
    held.clear()
    taken = await import_memory(bench.stages, bench.store, as_chunks(file), Format.ARCHIVE)
    assert [one.name for one in taken.concepts] == ["bo"]


async def test_small_photos_that_become_large_ones_are_refused_by_the_name_of_their_concept(
    me: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "MAX_GROWTH_BYTES", 0)
    small = io.BytesIO()
    paint(DOG).save(small, "WEBP", lossless=True)
    plain = images.encode(paint(DOG))

    file = archive(bo=[(small.getvalue(), None)], mia=[(plain, None)])
    taken = await me("ImportMemory", pieces(file, ARCHIVE))

    assert [(one.entry, one.reason) for one in taken.problems] == [("bo", "VIEWS_TOO_LARGE")]
    assert [one.display_name for one in taken.concepts] == ["mia"]


@pytest.mark.parametrize(
    "box",
    [(1e308, -1e308, 1e308, 1e308), (0, 0, 1e308, 5), (-1, 0, 5, 5), (9, 0, 5, 5), (0, 5, 5, 5)],
)
async def test_a_box_that_lies_in_no_photo_is_refused_by_the_name_of_its_concept(
    me: Caller, box: Box
) -> None:
    photo = images.encode(paint(DOG))
    file = archive(bo=[(photo, None), (photo, box)], mia=[(photo, (0, 0, 65_535, 5))])
    taken = await me("ImportMemory", pieces(file, ARCHIVE))
    assert [(one.entry, one.reason) for one in taken.problems] == [("bo", "BOX_OUTSIDE")]
    assert "views[1].box: " in taken.problems[0].message
    assert [one.display_name for one in taken.concepts] == ["mia"]


async def test_a_file_of_another_kind_is_refused(me: Caller) -> None:
    for form in (ARCHIVE, RAP):
        with pytest.raises(InvalidInput):
            await me("ImportMemory", pieces(b"something else", form))


async def test_a_file_for_which_there_is_no_room_is_refused_by_name(me: Caller) -> None:
    await me.remember("bo", DOG)
    whole = pieces(bytes(50_000), ARCHIVE)
    with no_file_above(100), pytest.raises(Refused) as refused, calling("assistant"):
        await me.stub.ImportMemory(whole, metadata=me.metadata)
    assert refused.value.reason == "TEMPORARY_FILE_UNWRITABLE"
    with no_file_above(100), pytest.raises(Refused, match="TMPDIR"), calling("assistant"):
        await exported(me, ARCHIVE)
    assert await exported(me, ARCHIVE)


async def test_what_fails_beside_the_file_is_not_told_of_the_file(
    bench: Bench, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cut_off() -> AsyncIterator[bytes]:
        yield b"a piece"
        raise TimeoutError("nothing more came")

    with pytest.raises(TimeoutError, match="nothing more came"):
        await import_memory(stages, bench.store, cut_off(), Format.ARCHIVE)
    await bench.remember("bo", DOG)

    def torn(_: str) -> bytes:
        raise OSError(errno.EIO, "the disk of the photos")

    monkeypatch.setattr(bench.store, "photo", torn)
    for form in Format:
        with pytest.raises(OSError, match="the disk of the photos"):
            await anext(export_memory(bench.store, form))


async def test_an_import_begins_with_its_header_and_has_one(me: Caller) -> None:
    header, chunk = list(pieces(b"something", ARCHIVE))
    for requests in ([chunk], [], [header, header]):
        with pytest.raises(InvalidInput) as refused:
            await me("ImportMemory", iter(requests))
        assert refused.value.field == "header"


async def test_an_empty_memory_exports_and_imports(me: Caller) -> None:
    for form in (ARCHIVE, RAP):
        taken = await me("ImportMemory", pieces(await exported(me, form), form))
        assert (list(taken.concepts), list(taken.problems)) == ([], [])


@pytest.mark.parametrize("form", Format)
async def test_an_export_that_is_cancelled_stops_and_leaves_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Format
) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    for looks in (10, 40, 70):
        await bench.remember(f"dog {looks}", Thing("dog", looks))
    begun, go_on = threading.Event(), threading.Event()
    asked: list[str] = []

    def slow(blob: str) -> bytes:
        asked.append(blob)
        begun.set()
        go_on.wait(10)
        return bytes(50_000)

    monkeypatch.setattr(bench.store, "photo", slow)
    with ThreadPoolExecutor() as threads:
        asyncio.get_running_loop().set_default_executor(threads)
        exporting = asyncio.create_task(anext(export_memory(bench.store, form)))
        await asyncio.to_thread(begun.wait, 10)
        exporting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await exporting
        go_on.set()
    assert len(asked) == 1
    assert list((tmp_path / "temporary").iterdir()) == []


async def test_a_watcher_sees_every_edit_and_can_go_on_after_a_break(me: Caller) -> None:
    Edit = memory_pb2.WatchConceptsResponse  # noqa: N806

    def watch(token: str = "") -> AsyncIterator[memory_pb2.WatchConceptsResponse]:
        request = memory_pb2.WatchConceptsRequest(parent=PARENT, resume_token=token)
        stream: AsyncIterator[memory_pb2.WatchConceptsResponse] = me.stub.WatchConcepts(
            request, metadata=me.metadata
        )
        return aiter(stream)

    stream = watch()
    first = await anext(stream)
    assert (first.edit, first.HasField("concept")) == (Edit.EDIT_NONE, False)

    bo = await me.remember("bo", DOG)
    await me.by("you").remember("secret", DOG)
    await me("RejectMatch", memory_pb2.RejectMatchRequest(name=bo.name, photo=picture(paint(MUG))))
    seen = [await anext(stream), await anext(stream)]
    assert [(one.edit, one.concept.name) for one in seen] == [
        (Edit.EDIT_REMEMBERED, bo.name),
        (Edit.EDIT_UPDATED, bo.name),
    ]
    assert seen[1].edit_time.seconds >= bo.create_time.seconds

    await me("Forget", memory_pb2.ForgetRequest(name=bo.name))
    resumed = watch(seen[0].resume_token)
    later = [await anext(resumed) for _ in range(3)]
    assert [one.edit for one in later] == [Edit.EDIT_NONE, Edit.EDIT_UPDATED, Edit.EDIT_FORGOTTEN]
    assert later[2].concept.display_name == "bo"
    assert later[2].concept.HasField("purge_time")


@pytest.mark.parametrize(
    ("token", "error"), [("yesterday", InvalidInput), ("12", Refused), ("-1", InvalidInput)]
)
async def test_a_token_that_leads_nowhere_is_refused(
    me: Caller, token: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await me.first(
            "WatchConcepts", memory_pb2.WatchConceptsRequest(parent=PARENT, resume_token=token)
        )


async def test_many_watchers_leave_room_for_the_memory(me: Caller) -> None:
    streams = [
        aiter(
            me.stub.WatchConcepts(
                memory_pb2.WatchConceptsRequest(parent=PARENT), metadata=me.metadata
            )
        )
        for _ in range(40)
    ]
    await asyncio.gather(*(anext(stream) for stream in streams))
    async with asyncio.timeout(20):
        bo = await me.remember("bo", DOG)
        seen = await asyncio.gather(*(anext(stream) for stream in streams))
    assert {one.concept.name for one in seen} == {bo.name}


async def test_a_watcher_does_not_hold_up_a_server_that_stops(
    memory_folder: Path, stages: Stages
) -> None:
    stores = Stores(lambda user: open_store(memory_folder, user))
    service = servicer.service(Assistant(method("kith"), stages, stores))
    async with Server(ServerSettings(port=0, grace_s=30), [service]) as server:
        channel = open_channel(f"127.0.0.1:{server.port}")
        request = memory_pb2.WatchConceptsRequest(parent=PARENT)
        watching = assistant_pb2_grpc.AssistantStub(channel).WatchConcepts(request)
        await watching.read()
        begun = time.monotonic()
    assert time.monotonic() - begun < 10
    with pytest.raises(Unavailable, match="the server stops") as stopped, calling("assistant"):
        await watching.read()
    assert stopped.value.reason == "SERVER_STOPPING"
    await channel.close()
    await stores.close()
