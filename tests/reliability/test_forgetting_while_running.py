"""What is purged while services run on stays in none of their caches, stores and logs."""

import asyncio
import gc
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import fsspec
import httpx
import pytest

from memory_db import MemoryPlace
from memory_db.photos import content_hash
from services.assistant import servicer
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
    open_store,
)
from tests.gateway.world import as_base64, gateway_to, id_of, photo, wish
from tests.memory_db.s3_server import s3_server
from tests.reliability.table import Effort, Table
from tests.reliability.test_forgetting import late

DOG: Final = Thing("dog", 17)
_BACKWARDS: Final = "snehtA fo eppihtnaX"
"""The name is nowhere in the tests as it is, so that whoever holds it has it from the memory."""


async def test_services_that_run_on_hold_nothing_of_what_is_purged(
    effort: Effort,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG, logger="services")
    oracle = "every file, every object of the store, the log, and what lives in the process"
    with Table("Forgetting while it runs", oracle, effort) as table, s3_server() as bucket:
        access = {"endpoint_url": bucket, "key": "mine", "secret": "own"}
        monkeypatch.setitem(fsspec.config.conf, "s3", access)
        place = MemoryPlace(tmp_path, photos_url="s3://bucket/photos")
        parrot = Parrot()
        stages = Stages(PaintDetector(), PaintEmbedder(), parrot, STRANGER_DISTANCE, 0.1)
        stores = Stores(lambda user: open_store(place, user))
        service = servicer.service(Assistant(method("kith"), stages, stores))
        async with (
            Server(ServerSettings(port=0), [service]) as assistant,
            gateway_to(f"127.0.0.1:{assistant.port}") as url,
        ):
            await assistant.ready()
            concept, kept = await _remembered_and_used(url)
            blob, end = content_hash(kept).encode(), kept[-64:]
            planted = [kept]  # no service keeps one: the search has to find this
            before = await _held(tmp_path, bucket, blob, end)
            planted.clear()
            async with httpx.AsyncClient(base_url=url) as http:
                (await http.delete(f"/v1/concepts/{concept}")).raise_for_status()
            store = await stores.of("me")
            monkeypatch.setattr(store, "_now", late)
            await asyncio.to_thread(stores._purge, "me", store)
            parrot.asked.clear()  # the tests' own
            after = await _held(tmp_path, bucket, blob, end)
            logged = "\n".join(str(vars(record)) for record in caplog.records)
        await stores.close()
        for what, count in before.items():
            table.at_least(f"{what}: before", count, 1)
            table.exactly(f"{what}: after", after[what], 0)
        table.traffic("lines logged", len(logged.splitlines()), at_least=5)
        table.exactly("name in the log", logged.count(_name()), 0)
        table.exactly("content hash in the log", logged.count(blob.decode()), 0)


def _name() -> str:
    return _BACKWARDS[::-1]


async def _remembered_and_used(url: str) -> tuple[str, bytes]:
    """By every door of the page and of a chat; its id, and its photo as it is kept."""
    picture = as_base64(photo(DOG))
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:
        answer = await http.post("/v1/concepts", json=wish(_name(), DOG))
        answer.raise_for_status()
        concept = id_of(answer.json())
        view = id_of(answer.json()["views"][0])
        for path in ("", f"/{concept}", f"/{concept}/views/{view}/photo"):
            (await http.get(f"/v1/concepts{path}")).raise_for_status()
        said = f"What does <{_name()}> do?"
        content = [
            {"type": "text", "text": said},
            {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}},
        ]
        for path, body in (
            ("/v1/retrieve", {"images": [{"data": picture}]}),
            (
                "/v1/chat/completions",
                {"model": "kith", "messages": [{"role": "user", "content": content}]},
            ),
        ):
            (await http.post(path, json=body)).raise_for_status()
        kept = (await http.get(f"/v1/concepts/{concept}/views/{view}/photo")).content
    return concept, kept


async def _held(folder: Path, bucket: str, blob: bytes, end: bytes) -> dict[str, int]:
    """How many files, objects of the store and of the process tell of it."""
    files = await asyncio.to_thread(_files, folder)
    name = _name()
    async with httpx.AsyncClient() as http:
        listed = (await http.get(f"{bucket}/bucket?list-type=2")).text
    gc.collect()
    living = list(_living())
    texts = [one for one in living if isinstance(one, str)]
    bytes_ = [one for one in living if isinstance(one, bytes)]
    return {
        "files with the name": sum(name.encode() in file for file in files),
        "files with the content hash": sum(blob in file for file in files),
        "objects in the store": listed.count(blob.decode()),
        "texts that live": sum(name in text for text in texts if text is not name),
        "pictures that live": sum(end in it for it in bytes_ if it is not end),
    }


def _files(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def _living() -> Iterator[object]:
    """Whatever an object that the garbage collector knows refers to: dicts, frames, arguments."""
    seen: set[int] = set()
    for owner in gc.get_objects():
        for one in gc.get_referents(owner):
            if isinstance(one, str | bytes) and id(one) not in seen:
                seen.add(id(one))
                yield one
