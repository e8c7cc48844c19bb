"""No picture breaks the decoder or a door, and no photo leaves a trace of where it was taken."""

import base64
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
import httpx
import pytest

from kith import Client
from kith.connection import OPTIONS, USER_KEY
from kith.v1 import assistant_pb2_grpc, common_pb2, memory_pb2, query_pb2, resources_pb2
from tests.reliability.mutants import mutant
from tests.reliability.nasty import nasty
from tests.reliability.opening import opened_elsewhere
from tests.reliability.table import Effort, Table
from tests.reliability.tagged import MARK, is_bare, tagged, traces
from tests.reliability.whole import Whole

DECODER_MIB: Final = 1100
"""A picture at the limit has 50 million pixels of four bytes: 200 MB, in five copies at most."""

GATEWAY_MIB: Final = DECODER_MIB + 500
"""It decodes one large picture at a time, and holds the requests."""

CALLERS: Final = 4

ASSISTANT_MIB: Final = 1200 + DECODER_MIB + CALLERS * 2 * 150
"""Its models, one large picture in the making, and each caller's with a copy to look at."""

pytestmark = pytest.mark.timeout(3600)


def test_no_picture_breaks_the_decoder(effort: Effort) -> None:
    files, size = (100_000, "largest") if effort == "long" else (2000, "small")
    oracle = "the decoder's own promises, and the kernel's count"
    with Table("Image gauntlet", oracle, effort) as table:
        made = opened_elsewhere("nasty", size)
        damaged = opened_elsewhere("mutants", "0", str(files))
        table.traffic("pictures made to hurt", sum(made.outcomes.values()), at_least=20)
        table.traffic("mutated files", sum(damaged.outcomes.values()), at_least=files)
        table.tell("what became of them", _listed(damaged.outcomes))
        table.exactly("crashes of the process", made.crashes + damaged.crashes, 0)
        table.exactly("pictures made to hurt that came out wrong", _few(made.wrong), "none")
        table.exactly("mutated files that broke it", _few(damaged.wrong), "none")
        table.tell("slowest", f"{made.slowest_s:.2f} s ({made.slowest})")
        table.at_most("slowest mutated file", damaged.slowest_s, 2, "s")
        table.at_most("peak memory, pictures at the limit", made.peak_mib, DECODER_MIB, "MiB")
        table.at_most("peak memory, mutated files", damaged.peak_mib, DECODER_MIB, "MiB")


def test_no_picture_breaks_a_door(effort: Effort, whole: Whole, user: str) -> None:
    sample = [mutant(number) for number in range(10**6, 10**6 + (1000 if effort == "long" else 60))]
    hurting = [data for _, data, _ in nasty(largest=effort == "long")]
    codes: dict[str, Counter[str]] = {}
    with (
        Table("Image gauntlet, doors", "the status of every answer", effort) as table,
        grpc.insecure_channel(whole.assistant.address, OPTIONS) as channel,
        httpx.Client(base_url=whole.url, headers={"Kith-User": user}, timeout=120) as http,
        ThreadPoolExecutor(CALLERS) as threads,
    ):
        doors = _doors(channel, http, user)
        for name, knock in doors.items():
            codes[name] = Counter(threads.map(knock, [*sample, *hurting]))
            table.tell(name, _listed(codes[name]))
        answers = sum(sum(counted.values()) for counted in codes.values())
        table.traffic("requests", answers, at_least=len(doors) * len(sample))
        every = Counter[str]()
        for counted in codes.values():
            every += counted
        bad = {code: every[code] for code in every if code not in _FINE}
        table.exactly("answers that tell of a fault of ours", _listed(bad) or "none", "none")
        failures = [line for line in whole.logs().splitlines() if b'"failure"' in line]
        table.exactly("failures in the logs", len(failures), 0)
        for name, service in whole.services.items():
            table.exactly(f"{name} lives", str(service.is_alive()), "True")
        gateway, assistant = (one.peak_mib() for one in (whole.gateway, whole.assistant))
        table.at_most("peak memory of the gateway", gateway, GATEWAY_MIB, "MiB")
        what = "peak memory of the assistant, its models included"
        table.at_most(what, assistant, ASSISTANT_MIB, "MiB")


_FINE: Final = {"OK", "INVALID_ARGUMENT", "RESOURCE_EXHAUSTED", "200", "201", "400", "413", "429"}


def _doors(
    channel: grpc.Channel, http: httpx.Client, user: str
) -> dict[str, Callable[[bytes], str]]:
    """What takes a picture, and tells how that ended."""
    stub = assistant_pb2_grpc.AssistantStub(channel)
    metadata = [(USER_KEY, user)]

    def retrieve(data: bytes) -> str:
        images = [common_pb2.Image(data=data)]
        asked = query_pb2.RetrieveRequest(parent="users/me", images=images)
        return _code(stub.Retrieve, asked, metadata=metadata, timeout=120)

    def check(data: bytes) -> str:
        asked = memory_pb2.RememberRequest(
            parent="users/me",
            concept=resources_pb2.Concept(display_name="bo"),
            views=[resources_pb2.NewView(photo=common_pb2.Image(data=data))],
            validate_only=True,
        )
        return _code(stub.Remember, asked, metadata=metadata, timeout=120)

    def retrieve_http(data: bytes) -> str:
        picture = {"data": base64.b64encode(data).decode()}
        return str(http.post("/v1/retrieve", json={"images": [picture]}).status_code)

    def upload(data: bytes) -> str:
        answer = http.post("/v1/uploads", content=data, headers={"Content-Type": "image/png"})
        return str(answer.status_code)

    return {
        "gRPC Retrieve": retrieve,
        "gRPC Remember": check,
        "HTTP /v1/retrieve": retrieve_http,
        "HTTP /v1/uploads": upload,
    }


def _code(call: Any, *args: Any, **kwargs: Any) -> str:  # noqa: ANN401 - of any call
    try:
        call(*args, **kwargs)
    except grpc.RpcError as failed:
        return str(failed.code().name)  # type: ignore[attr-defined]
    return "OK"


def test_where_a_photo_was_taken_is_nowhere(effort: Effort, whole: Whole, user: str) -> None:
    count = 200 if effort == "long" else 40
    served: list[bytes] = []
    photos: list[bytes] = []
    with (
        Table("Photos with a place", "the bytes of every file, answer and log", effort) as table,
        Client(whole.assistant.address, user=user) as kith,
        httpx.Client(base_url=whole.url, headers={"Kith-User": user}, timeout=120) as http,
    ):
        for number in range(count):
            photo = tagged(number)
            assert {"word"} < set(traces(photo)), number
            served += _shown(kith, http, f"n{number}", photo, number)
        for concept in kith.list_concepts():
            served.append(repr(concept).encode())
            for view in concept.views:
                photos.append(kith.get_view(view.name).photo)
                path = view.name.partition("/concepts/")[2]
                photos.append(http.get(f"/v1/concepts/{path}/photo").raise_for_status().content)
        archive = b"".join(kith.export_memory())
        kept = [path.read_bytes() for path in whole.memory.rglob("*") if path.is_file()]
        table.traffic("tagged photos", count, at_least=count)
        table.traffic("photos served again", len(photos), at_least=2 * count)
        table.traffic("files on disk", len(kept), at_least=count)
        table.exactly("answers with a trace", _marked([*served, archive]), 0)
        table.exactly("served photos with a trace", _marked(photos), 0)
        table.exactly("served photos with any metadata", sum(map(_is_dressed, photos)), 0)
        table.exactly("files on disk with a trace", _marked(kept), 0)
        table.exactly("logs with a trace (level debug)", _marked([whole.logs()]), 0)


def _shown(kith: Client, http: httpx.Client, name: str, photo: bytes, number: int) -> list[bytes]:
    """All answers to a photo that is remembered, and now and then to all else that takes one."""
    answers: list[object] = [kith.remember(name, photo, category="dog", description="It is.")]
    if number % 20 == 0:
        answers += [kith.add_views(name, [photo]), kith.reject(name, photo)]
        answers += [kith.retrieve(photo), kith.recognize(photo, [name])]
        answers += [kith.ask("Who is this?", photo)]
        url = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
        parts = [{"type": "image_url", "image_url": {"url": url}}, {"type": "text", "text": "Who?"}]
        chat = {"model": "kith", "messages": [{"role": "user", "content": parts}], "max_tokens": 8}
        answers.append(http.post("/v1/chat/completions", json=chat).raise_for_status().text)
        kind = {"Content-Type": "image/jpeg"}
        answers.append(http.post("/v1/uploads", content=photo, headers=kind).text)
        broken = photo[: len(photo) // 2] + MARK.encode()
        answers.append(http.post("/v1/uploads", content=broken, headers=kind).text)
    return [str(answer).encode() for answer in answers]


def _marked(pieces: list[bytes]) -> int:
    return sum(bool(traces(piece)) for piece in pieces)


def _is_dressed(photo: bytes) -> bool:
    return not is_bare(photo)


def _few(names: list[str]) -> str:
    return "; ".join(names[:3]) or "none"


def _listed(counted: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counted.items())
