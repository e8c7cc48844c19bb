"""Users are apart: over every door, on both memories, in what is said and in how long it takes."""

import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from scipy.stats import mannwhitneyu

from kith.errors import NotFound
from kith.v1 import assistant_pb2_grpc, memory_pb2
from memory_db import ConceptStore, MemoryPlace
from memory_db.records import new_id
from services.assistant import servicer
from services.assistant.background import in_background
from services.assistant.methods import method
from services.assistant.pipeline import Assistant
from services.assistant.stages import Stages
from services.assistant.stores import Stores
from services.runtime.calls import open_channel
from services.runtime.identity import USER_KEY
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from tests.assistant.calling import new_view
from tests.assistant.world import (
    STRANGER_DISTANCE,
    PaintDetector,
    PaintEmbedder,
    Parrot,
    Thing,
)
from tests.end_to_end.test_users_apart import (
    ASSISTANT,
    DOG,
    UNREAD,
    Belongings,
    User,
    attempt,
    forget_all,
    place,
    request_of,
    slots,
)
from tests.gateway.mcp_clients import over_http, said
from tests.gateway.test_apart import BODIES
from tests.gateway.world import gateway_to, picture
from tests.memory_db.qdrant_server import FakeQdrant
from tests.reliability.table import Effort, Table
from tests.tokens import write_tokens

PAIRS = {"short": 40, "long": 600}
"""Calls that are timed, for an id that is another's and for one that is nobody's."""
TOLD_APART = 0.001
"""Below this, times that differ are no chance; six doors at once, so it is a strict one."""


class House(NamedTuple):
    """Two users, and the doors by which they come in."""

    ann: User
    bob: User
    gateway: str


def places(folder: Path, memory: str, stack: ExitStack) -> MemoryPlace:
    """Where the memories are: a folder, or a Qdrant server's REST interface."""
    url = stack.enter_context(FakeQdrant().listening()) if memory == "server" else None
    return MemoryPlace(folder / "memory", url)


@asynccontextmanager
async def house(folder: Path, memory: str) -> AsyncIterator[House]:
    tokens = write_tokens(folder / "tokens", ann="ann", bob="bob")
    stages = Stages(PaintDetector(), PaintEmbedder(), Parrot(), STRANGER_DISTANCE, 0.1)
    with ExitStack() as stack:
        where = places(folder, memory, stack)
        stack.callback(where.close)

        def opened(user: str) -> ConceptStore:
            return ConceptStore.open(
                where, user=user, model=PaintEmbedder.name, dim=PaintEmbedder.dim
            )

        stores = Stores(opened)
        service = servicer.service(Assistant(method("kith"), stages, stores))
        options = ServerSettings(port=0, grace_s=0, tokens_file=tokens)
        async with Server(options, [service]) as server:
            await server.ready()
            address = f"127.0.0.1:{server.port}"
            gateway = stack.enter_context(in_background(lambda: gateway_to(address)))
            async with open_channel(address) as channel:
                stub = assistant_pb2_grpc.AssistantStub(channel)
                ann, bob = (
                    User(name, stub, None, (("authorization", f"Bearer {name}"), (USER_KEY, other)))
                    for name, other in (("ann", "bob"), ("bob", "ann"))
                )
                yield House(ann, bob, gateway)
        await stores.close()


async def over_grpc(bob: User, hers: Belongings, his: Belongings) -> list[str]:
    """What came of every call with every id of ann's in every place for one."""
    outcomes = []
    for rpc in ASSISTANT.methods:
        for slot in slots(rpc.input_type):
            unread = (rpc.name, slot.path) in UNREAD
            for stolen in hers.ids(slot.kind, "bob"):
                request = request_of(rpc, his)
                place(request, slot.path, stolen)
                outcome = await attempt(bob, rpc, request, hers)
                right = outcome == ("an answer" if unread else "NOT_FOUND")
                outcomes.append("apart" if right else f"{rpc.name} {slot.path}: {outcome}")
                if unread:
                    await forget_all(bob, keep=his.concept.name)
    return outcomes


async def over_rest(bob: httpx.AsyncClient, hers: Belongings, _: Belongings) -> list[str]:
    """The same of every route; what is said of hers must be what is said of nobody's."""
    concept, view = hers.concept.views[0].name.split("/")[3::2]
    openapi = (await bob.get("/openapi.json")).json()
    outcomes = []
    for verb, path in operations_of(openapi):
        answers = []
        for ids in ((concept, view), (new_id(), new_id())):
            url = path.format(concept=ids[0], view=ids[1])
            answer = await bob.request(verb.upper(), url, json=BODIES.get((verb, path)))
            text = answer.text.replace(ids[0], "ID").replace(ids[1], "ID")
            answers.append((answer.status_code, text))
        right = answers[0] == answers[1] and answers[0][0] == 404
        outcomes.append("apart" if right else f"{verb} {path}: {answers}")
    return outcomes


def operations_of(openapi: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, verbs in openapi["paths"].items():
        yield from ((verb, path) for verb in verbs if "{concept}" in path)


async def over_mcp(bob: Client, hers: Belongings, _: Belongings) -> list[str]:
    """The same of every tool that takes a concept, and of the photos as resources."""
    concept, view = hers.concept.views[0].name.split("/")[3::2]
    outcomes = []
    for stolen in hers.ids("word", "bob"):
        for tool, more in (
            ("update_concept", {"description": "mine now"}),
            ("update_concept", {"images": [picture(DOG)]}),
            ("update_concept", {"not_in": picture(DOG)}),
            ("forget_concept", {}),
            ("forget_concept", {"undo": True}),
        ):
            result = await bob.call_tool(tool, {"concept": stolen, **more})
            words = (word.decode() for word in hers.telling)
            told = [word for word in words if word in said(result) and word not in stolen]
            right = result.is_error and not told
            outcomes.append("apart" if right else f"{tool} {stolen}: {said(result)}")
    try:
        await bob.read_resource(f"kith://concepts/{concept}/views/{view}")
        outcomes.append("a photo was read")
    except MCPError:
        outcomes.append("apart")
    return outcomes


async def told_apart(ask: Callable[[str], Awaitable[object]], hit: str, pairs: int) -> float:
    """The p-value of a rank test: calls for another's id take as long as calls for nobody's."""
    took: dict[bool, list[float]] = {True: [], False: []}
    rng = random.Random(3)
    for number in range(pairs + 10):
        for is_hit in rng.sample([True, False], 2):
            asked = hit if is_hit else new_id()
            began = time.perf_counter()
            await ask(asked)
            if number >= 10:  # the first ones warm up
                took[is_hit].append(time.perf_counter() - began)
    return float(mannwhitneyu(took[True], took[False]).pvalue)


def asking(
    bob: User, http: httpx.AsyncClient, mcp: Client
) -> dict[str, Callable[[str], Awaitable[object]]]:
    """By door, how to ask for the concept of an id."""

    async def grpc_(concept: str) -> None:
        request = memory_pb2.GetConceptRequest(name=f"users/me/concepts/{concept}")
        with pytest.raises(NotFound):
            await bob.call(ASSISTANT.methods_by_name["GetConcept"], request)

    async def rest(concept: str) -> None:
        assert (await http.get(f"/v1/concepts/{concept}")).status_code == 404

    async def tool(concept: str) -> None:
        asked = {"concept": f"users/me/concepts/{concept}", "description": "mine"}
        assert (await mcp.call_tool("update_concept", asked)).is_error

    return {"gRPC": grpc_, "HTTP": rest, "MCP": tool}


@pytest.mark.parametrize("memory", ["folder", "server"])
async def test_nothing_of_another_is_found_told_or_timed(
    memory: str, tmp_path: Path, effort: Effort
) -> None:
    oracle = "an id that is nobody's: what is said and how long it takes must be the same"
    with Table(f"Users apart, memory in a {memory}", oracle, effort) as table:
        async with house(tmp_path, memory) as (ann, bob, gateway):
            hers, his = await ann.belongings("ann's "), await bob.belongings("bob's ")
            more = [new_view(Thing("dog", looks)) for looks in range(30, 44)]
            add = memory_pb2.AddViewsRequest(name=hers.concept.name, views=more)
            await ann.call(ASSISTANT.methods_by_name["AddViews"], add)
            before = await ann.everything()
            token = {"authorization": "Bearer bob"}
            async with (
                httpx.AsyncClient(base_url=gateway, headers=token, timeout=60) as http,
                over_http(gateway, **token) as mcp,
            ):
                outcomes = {
                    "gRPC": await over_grpc(bob, hers, his),
                    "HTTP": await over_rest(http, hers, his),
                    "MCP": await over_mcp(mcp, hers, his),
                }
                for door, these in outcomes.items():
                    table.traffic(f"{door}: calls", len(these), at_least=8)
                    leaks = sorted(set(these) - {"apart"})
                    table.exactly(f"{door}: leaks", "; ".join(leaks) or 0, 0)
                unchanged = await ann.everything() == before
                table.exactly("her memory", "as before" if unchanged else "changed", "as before")
                hit = hers.concept.name.split("/")[3]
                table.tell("pairs of calls timed, a door", PAIRS[effort])
                for door, ask in asking(bob, http, mcp).items():
                    chance = await told_apart(ask, hit, PAIRS[effort])
                    table.at_least(f"{door}: p of the rank test", chance, TOLD_APART)
