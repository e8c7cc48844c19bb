"""Photos uploaded ahead of the requests that name them."""

import asyncio
import io
from datetime import UTC, datetime, timedelta

import httpx
import numpy as np
import pytest
from PIL import Image

from kith.errors import InvalidInput, NotFound, Overloaded
from services.gateway.caller import Caller
from services.gateway.uploads import Uploads
from tests.gateway.world import BO, photo, picture

ANA, BOB = Caller("a", None), Caller("b", None)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def uploads(clock: Clock) -> Uploads:
    return Uploads(600, mib_per_user=1, mib=2, clock=clock)


def heavy(seed: int, rows: int = 480) -> bytes:
    """A photo of about 1.5 KiB a row."""
    noise = np.random.default_rng(seed).integers(0, 255, (rows, 512, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "PNG", compress_level=1)
    return file.getvalue()


async def test_a_handle_is_for_its_owner_until_it_expires(uploads: Uploads, clock: Clock) -> None:
    kept = await uploads.keep(ANA, photo(BO))
    assert timedelta(seconds=590) < kept.expires - datetime.now(UTC) <= timedelta(seconds=600)
    assert uploads.take(ANA, kept.handle) == uploads.take(ANA, kept.handle) == photo(BO)
    with pytest.raises(NotFound):
        uploads.take(BOB, kept.handle)
    clock.now = 600
    with pytest.raises(NotFound):
        uploads.take(ANA, kept.handle)


async def test_a_photo_is_dropped_in_time_though_nobody_asks() -> None:
    gone = asyncio.Event()

    class Photo(bytes):
        def __del__(self) -> None:
            gone.set()

    uploads = Uploads(0.5, mib_per_user=1, mib=2)
    await uploads.keep(ANA, Photo(photo(BO)))
    assert not gone.is_set()
    async with asyncio.timeout(30):
        await gone.wait()


async def test_one_user_can_not_fill_the_room_of_all(uploads: Uploads, clock: Clock) -> None:
    await uploads.keep(ANA, heavy(1))
    clock.now = 100
    with pytest.raises(Overloaded, match="of yours") as full:
        await uploads.keep(ANA, heavy(2))
    assert full.value.retry_after_s == 500
    with pytest.raises(Overloaded, match="of yours"):
        await uploads.keep(ANA._replace(user="another"), heavy(2))
    await uploads.keep(BOB, heavy(3))
    with pytest.raises(Overloaded, match="no room"):
        await uploads.keep(Caller(None, "eve"), heavy(4))
    clock.now = 600
    await uploads.keep(ANA, heavy(2))


async def test_what_is_no_photo_is_not_kept(uploads: Uploads) -> None:
    with pytest.raises(InvalidInput, match="upload"):
        await uploads.keep(ANA, b"text")


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream"])
def test_an_upload_may_be_the_bare_photo(http: httpx.Client, kind: str) -> None:
    answer = http.post("/v1/uploads", content=photo(BO), headers={"Content-Type": kind})
    assert answer.status_code == 201
    assert datetime.fromisoformat(answer.json()["expires"]) > datetime.now(UTC)
    asked = {"images": [{"upload": answer.json()["upload"]}]}
    assert http.post("/v1/retrieve", json=asked).status_code == 200


def test_an_upload_may_be_a_form(http: httpx.Client) -> None:
    assert http.post("/v1/uploads", files={"photo": photo(BO)}).status_code == 201
    answer = http.post("/v1/uploads", files={}, data={"file": "no file"})
    assert answer.status_code == 400
    several = [("a", photo(BO)), ("b", photo(BO))]
    assert http.post("/v1/uploads", files=several).status_code == 400


@pytest.mark.parametrize("body", [b"", b"GIF89a", photo(BO)[:50]])
def test_an_upload_that_is_no_photo_is_refused_at_once(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/uploads", content=body, headers={"Content-Type": "image/png"})
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "upload"


def test_a_picture_is_either_bytes_or_a_handle(http: httpx.Client) -> None:
    both = picture(BO) | {"upload": "x"}
    answer = http.post("/v1/retrieve", json={"images": [both]})
    assert answer.json()["error"]["reason"] == "BODY_INVALID"


@pytest.mark.parametrize("path", ["/v1/retrieve", "/v1/chat/completions"])
def test_uploads_that_are_too_much_together_are_refused_before_they_fill_the_memory(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    upload = {"upload": http.post("/v1/uploads", content=heavy(5, rows=3000)).json()["upload"]}
    taken = []

    def take(self: Uploads, owner: Caller, handle: str) -> bytes:
        taken.append(take_one(self, owner, handle))
        return taken[-1]

    take_one = Uploads.take
    monkeypatch.setattr(Uploads, "take", take)
    parts = [{"type": "image_url", "image_url": upload}] * 1000
    ask = {"model": "kith", "messages": [{"role": "user", "content": parts}]}
    body = ask if "chat" in path else {"images": [upload] * 1000}
    answer = http.post(path, json=body)
    assert answer.status_code == 413
    assert "too many bytes" in answer.json()["error"]["message"]
    assert sum(map(len, taken)) < 2**26 + len(taken[0])
