"""What a chat program sees, over HTTP (today's protocol and the one before) and over stdio."""

import asyncio
import base64
import contextlib
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import BlobResourceContents, ResourceLink

from services.gateway.mcp.tools import described
from services.runtime import images
from tests.assistant.world import Thing
from tests.gateway.mcp_clients import done, over_http, over_stdio, refused, said
from tests.gateway.world import BO, CUP, Gateway, photo, picture, running
from tests.tokens import write_tokens

Connection = AbstractAsyncContextManager[Client]
"""A client that is not connected yet; a test enters and leaves it in the same task."""

LOOK_ALIKE = Thing("dog", 25, (60, 10, 90, 50))
STRANGER = Thing("dog", 80, (60, 10, 90, 50))


@pytest.fixture(params=["http", "http before", "stdio"])
def connection(request: pytest.FixtureRequest, gateway: Gateway, user: str) -> Connection:
    match request.param:
        case "http":
            return over_http(gateway.url, kith_user=user)
        case "http before":
            return over_http(gateway.url, "legacy", kith_user=user)
        case _:
            return over_stdio("--server", gateway.address, "--user", user, "mcp")


@pytest.fixture
def http_connection(gateway: Gateway, user: str) -> Connection:
    return over_http(gateway.url, kith_user=user)


async def test_a_concept_from_the_first_photo_to_the_last_goodbye(
    connection: Connection, gateway: Gateway, user: str
) -> None:
    async with connection as client:
        assert client.server_info
        assert client.server_info.name == "kith"
        assert "find_concepts before you say who is in it" in str(client.instructions)

        bo = await done(client, "remember_concept", name="bo", images=[picture(BO)])
        assert (bo["display_name"], bo["category"]) == ("bo", "dog")
        assert bo["name"].startswith(f"users/{user}/concepts/")
        (view,) = bo["views"]

        result = await client.call_tool("find_concepts", {"image": picture(BO, STRANGER)})
        found: dict[str, Any] = result.structured_content
        (known,) = found["concepts"]
        assert (found["width"], found["height"]) == (100, 80)
        assert (known["concept"], known["view"], known["box"]) == ("bo", view, list(BO.box))
        assert known["score"] > 0.9
        (stranger,) = found["strangers"]
        assert (stranger["category"], stranger["box"]) == ("dog", list(STRANGER.box))
        assert said(result) == str(found).replace("'", '"')
        (link,) = result.content[1:]
        assert isinstance(link, ResourceLink)
        assert (link.uri, link.name) == (view, "bo")

        (contents,) = (await client.read_resource(view)).contents
        assert isinstance(contents, BlobResourceContents)
        assert contents.mime_type == "image/png"
        stored = images.decode(base64.b64decode(contents.blob), field="photo")
        assert stored.size == (40, 40)  # cropped to it

        answer = await done(client, "ask", question="Who is it?", image=picture(BO))
        assert (answer["answer"], answer["complete"]) == (gateway.parrot.says, True)
        assert [one["concept"] for one in answer["concepts"]] == ["bo"]
        named = await done(client, "ask", question="What is <bo> like?")
        assert [(one["concept"], "box" in one) for one in named["concepts"]] == [("bo", False)]

        beau = await done(client, "update_concept", concept="bo", name="beau")
        assert (beau["name"], beau["display_name"], beau["category"]) == (bo["name"], "beau", "dog")
        listed = await done(client, "list_concepts", category="dog")
        assert listed == {"concepts": [beau], "total": 1}

        forgotten = await done(client, "forget_concept", concept="beau")
        assert forgotten["undo_until"]
        assert (await done(client, "list_concepts"))["total"] == 0
        back = await done(client, "forget_concept", concept="beau", undo=True)
        assert back == {"name": bo["name"], "display_name": "beau"}
        assert await done(client, "list_concepts") == listed


async def test_what_goes_wrong_names_the_argument_the_value_and_the_next_step(
    connection: Connection,
) -> None:
    async with connection as client:
        await done(client, "remember_concept", name="bo", images=[picture(BO)])
        outside = {**picture(BO), "box": [0, 0, 500, 20]}
        text = {"data": base64.b64encode(b"my diary").decode()}
        for tool, arguments, reason, start in (
            (
                "remember_concept",
                {"name": "bo", "images": [picture(BO)]},
                "NAME_TAKEN",
                "name 'bo' is",
            ),
            (
                "remember_concept",
                {"name": "a", "images": [picture(BO), text]},
                "NOT_AN_IMAGE",
                "images[1]: not an image; send a JPEG",
            ),
            (
                "remember_concept",
                {"name": "a", "images": [outside]},
                "BOX_OUTSIDE",
                "images[0].box: 0,0,500,20 is not in the photo of 100 x 80 pixels; give",
            ),
            (
                "remember_concept",
                {"name": "a", "images": [picture(BO, CUP)]},
                "SEVERAL_REGIONS",
                "images[0]: several things are to be seen (dog 20,20,60,60; mug 62,10,90,40); give",
            ),
            (
                "remember_concept",
                {"name": "a<b", "images": [picture(BO)]},
                "FIELD_INVALID",
                "name: ",
            ),
            (
                "update_concept",
                {"concept": "al", "name": "a"},
                "CONCEPT_NOT_FOUND",
                "concept: there is",
            ),
            ("update_concept", {"concept": "bo", "not_in": text}, "NOT_AN_IMAGE", "not_in: not an"),
            (
                "forget_concept",
                {"concept": "al"},
                "CONCEPT_NOT_FOUND",
                "concept: there is no 'al'; ",
            ),
            ("find_concepts", {"image": text}, "NOT_AN_IMAGE", "image: not an image; send"),
            ("ask", {"question": "?", "image": text}, "NOT_AN_IMAGE", "image: not an image; send"),
            ("ask", {"question": "?" * 8001}, "FIELD_INVALID", "question: "),
            ("ask", {"questions": "?"}, "FIELD_INVALID", "question: is missing; give it"),
        ):
            found = await refused(client, tool, **arguments)
            assert found[0] == reason, found
            assert found[1].startswith(start), found
        with pytest.raises(MCPError, match="there are remember_concept, list_concepts"):
            await client.call_tool("recall", {})
        with pytest.raises(MCPError, match="uri: there is no"):
            await client.read_resource("kith://concepts/none")
        assert (await client.list_resource_templates()).resource_templates[0].name == "view"
        assert (await client.list_resources()).resources == []


async def test_further_photos_and_rejected_ones_count_at_once(http_connection: Connection) -> None:
    async with http_connection as mcp:
        await done(mcp, "remember_concept", name="bo", images=[picture(BO)])

        async def seen(thing: Thing) -> list[str]:
            found = await done(mcp, "find_concepts", image=picture(thing))
            return [one["concept"] for one in found["concepts"]]

        assert await seen(STRANGER) == []
        grown = await done(mcp, "update_concept", concept="bo", images=[picture(STRANGER)])
        assert len(grown["views"]) == 2
        assert await seen(STRANGER) == ["bo"]
        assert await seen(LOOK_ALIKE) == ["bo"]
        wrong = {**picture(LOOK_ALIKE), "box": list(LOOK_ALIKE.box)}
        assert await done(mcp, "update_concept", concept="bo", not_in=wrong) == grown
        assert await seen(LOOK_ALIKE) == []
        assert await seen(BO) == ["bo"]


def uploaded(http: httpx.Client) -> str:
    """The handle of a photo of bo."""
    sent = http.post("/v1/uploads", content=photo(BO), headers={"Content-Type": "image/png"})
    assert sent.status_code == 201, sent.text
    return str(sent.json()["upload"])


async def test_an_uploaded_photo_is_used_by_its_handle(
    http_connection: Connection, http: httpx.Client, gateway: Gateway, user: str
) -> None:
    async with http_connection as mcp:
        upload = {"upload": await asyncio.to_thread(uploaded, http)}
        await done(mcp, "remember_concept", name="bo", images=[{**upload, "box": list(BO.box)}])
        assert (await done(mcp, "find_concepts", image=upload))["concepts"]
        async with over_http(gateway.url, kith_user=f"{user}b") as other:
            reason, text = await refused(other, "find_concepts", image=upload)
            assert reason == "UPLOAD_NOT_FOUND"
            assert text.startswith("image.upload: there is no")
            assert text.endswith("upload the photo again")


async def test_a_long_memory_comes_in_parts(
    http_connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with http_connection as mcp:
        monkeypatch.setattr("services.gateway.mcp.tools.PAGE_SIZE", 2)
        for name in ("a1", "a2", "a3"):
            await done(
                mcp, "remember_concept", name=name, images=[picture(BO)], description="It is."
            )
        first = await done(mcp, "list_concepts")
        assert [one["display_name"] for one in first["concepts"]] == ["a1", "a2"]
        assert (first["total"], first["next_start"]) == (3, 2)
        last = await done(mcp, "list_concepts", start=2)
        assert [one["display_name"] for one in last["concepts"]] == ["a3"]
        assert "next_start" not in last


async def steal(client: Client, bo: dict[str, Any]) -> list[str]:
    """Reasons for which each way to somebody else's concept is closed."""
    reasons = []
    taking = [
        tool.name for tool in described("upload") if "concept" in tool.input_schema["properties"]
    ]
    assert taking == ["update_concept", "forget_concept"]
    for concept in (bo["name"], bo["display_name"], bo["name"].replace("/ada/", "/me/")):
        for tool, more in (
            ("update_concept", {"name": "mine"}),
            ("update_concept", {"images": [picture(BO)]}),
            ("update_concept", {"not_in": picture(BO)}),
            ("forget_concept", {}),
            ("forget_concept", {"undo": True}),
        ):
            reasons.append((await refused(client, tool, concept=concept, **more))[0])
    with pytest.raises(MCPError) as closed:
        await client.read_resource(bo["views"][0])
    reasons.append(str(closed.value.message).split(" ")[0])
    assert await done(client, "list_concepts") == {"concepts": [], "total": 0}
    assert (await done(client, "find_concepts", image=picture(BO)))["concepts"] == []
    assert (await done(client, "ask", question="Who is <bo>?"))["concepts"] == []
    return reasons


async def test_nobody_reaches_the_memory_of_another_token(tmp_path: Path) -> None:
    tokens = {"ada": "ada's token", "bob": "bob's token"}
    file = write_tokens(tmp_path / "tokens", **tokens)
    with running(tmp_path, tokens_file=file) as gateway:
        ada = over_http(gateway.url, authorization=f"Bearer {tokens['ada']}")
        # A name beside a token counts for nothing.
        bob = over_http(gateway.url, authorization=f"Bearer {tokens['bob']}", kith_user="ada")
        async with ada as hers, bob as his:
            bo = await done(hers, "remember_concept", name="bo", images=[picture(BO)])
            reasons = await steal(his, bo)
            assert {one for one in reasons if not one.endswith("_NOT_FOUND")} <= {"there"}
            assert (await done(hers, "list_concepts"))["concepts"] == [bo]
        for headers in ({}, {"authorization": "Bearer x"}, {"authorization": "Basic x"}):
            for method in ("initialize", "tools/list", "tools/call", "resources/read"):
                asked = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {}}
                async with httpx.AsyncClient(headers=headers) as nobody:
                    answer = await nobody.post(f"{gateway.url}/mcp", json=asked)
                assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
                assert answer.json()["error"]["reason"] == "TOKEN_UNKNOWN"


async def test_nothing_a_user_wrote_is_logged(
    http_connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with http_connection as mcp:
        caplog.set_level(logging.INFO)
        secret = "Rumpelstilzchen"
        wish = {"name": secret, "category": secret, "description": secret}
        await done(mcp, "remember_concept", images=[picture(BO)], **wish)
        await refused(mcp, "remember_concept", images=[picture(BO)], **wish)
        await refused(mcp, "remember_concept", images=[picture(BO)], **{**wish, secret: secret})
        await refused(mcp, "forget_concept", concept=f"{secret}s")
        await done(mcp, "ask", question=f"Who is <{secret}>?", image=picture(BO))
        with pytest.raises(MCPError):
            await mcp.read_resource(f"kith://{secret}")
        with pytest.raises(MCPError):
            await mcp.call_tool(secret, {})
        lines = [record for record in caplog.records if record.name.startswith(("services", "mcp"))]
        assert any(record.getMessage() == "call" for record in lines)
        assert secret not in caplog.text
        assert not [one for one in lines if secret in str(vars(one))]


def test_nobody_waits_for_what_never_comes(http: httpx.Client) -> None:
    answer = http.get("/mcp", headers={"Accept": "text/event-stream"})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (405, "METHOD_NOT_ALLOWED")


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not is_so():  # noqa: ASYNC110 - another thread changes it
            await asyncio.sleep(0.05)


async def test_a_client_that_leaves_ends_its_answer(
    connection: Connection, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Any] = []
    changes = {"says": "word " * 1000, "pause_s": 0.1, "closed": False, "asked": asked}
    for name, value in changes.items():
        monkeypatch.setattr(gateway.parrot, name, value)

    async def ask() -> None:
        async with connection as client:
            await client.call_tool("ask", {"question": "Tell me a long story."})

    asking = asyncio.create_task(ask())
    await until(lambda: bool(asked) or asking.done())
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    await until(lambda: gateway.parrot.closed)
