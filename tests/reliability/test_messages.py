"""Whatever is sent to any door, the fault that comes back is never ours."""

import contextlib
import json
import os
import random
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final
from unittest import SkipTest

import grpc
import httpx
import pytest
import schemathesis
from google.protobuf.descriptor import MethodDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from kith import Client
from kith.connection import OPTIONS, USER_KEY
from kith.v1 import datagen_pb2, datagen_pb2_grpc, evaluation_pb2_grpc
from services.gateway.mcp import tools
from tests.datagen.service import calling as datasets
from tests.datagen.service.zips import seed_zip
from tests.end_to_end.test_up import PICTURE
from tests.evaluation.service import calling as reports
from tests.evaluation.stripes import write_world
from tests.reliability.mutants import mutant
from tests.reliability.random_json import anything, body, junk, of_schema
from tests.reliability.random_messages import Writer, methods
from tests.reliability.table import Effort, Table
from tests.reliability.whole import Service, Whole, serving

FAULTS: Final = frozenset(
    (
        *("INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED"),
        *("UNIMPLEMENTED", "UNAUTHENTICATED", "PERMISSION_DENIED"),
    )
)
"""What no request may bring about, whoever wrote it: nothing is down, there is time, every method
is served, and nobody needs a token."""

HTTP_FAULTS: Final = frozenset(("401", "403", "500", "501", "502", "503", "504"))

DONE: Final = ("OK", "200", "201", "202")

ORACLE: Final = "the status of every answer, and the incidents in the logs"

pytestmark = pytest.mark.timeout(3600)


@pytest.fixture
def names(whole: Whole, user: str) -> list[str]:
    """What the server knows."""
    with Client(whole.assistant.address, user=user) as kith:
        made = [
            kith.remember(name, PICTURE, category="dog", description="It is.")
            for name in ("bo", "mia")
        ]
        concepts = [concept.name for concept in made]
        return ["bo", "mia", "users/me", *concepts, *(made.views[0].name for made in made)]


def test_no_message_over_grpc_meets_a_fault_of_ours(
    effort: Effort, whole: Whole, user: str, names: list[str]
) -> None:
    each = 1500 if effort == "long" else 12
    with Table("Messages over gRPC", ORACLE, effort) as table:
        codes = _sent("assistant", whole.assistant.address, user, names, range(each))
        table.traffic("calls of all methods", codes.total(), at_least=each * 20)
        _judge(table, whole.services, codes, FAULTS)


@pytest.mark.parametrize("process", ["datagen", "evaluation"])
def test_no_message_to_a_service_with_jobs_meets_a_fault_of_ours(
    effort: Effort, whole: Whole, tmp_path: Path, process: str
) -> None:
    # A user each time, since among so many calls are some that delete what there is.
    times, each = (50, 30) if effort == "long" else (1, 12)
    write_world(tmp_path / "evaluation" / "datasets")
    settings = os.environ | {
        "KITH_LOG_LEVEL": "debug",
        "KITH_DATAGEN_DIR": str(tmp_path / "datagen"),
        "KITH_EMBEDDING": whole.assistant.address,
        "KITH_EVALUATION_DIR": str(tmp_path / "evaluation"),
        "KITH_EVALUATION_METHODS": f"kith={whole.assistant.address}",
    }
    with (
        Table(f"Messages to the service of {process}", ORACLE, effort) as table,
        serving(tmp_path / "log", settings, process) as service,
    ):
        codes: Counter[str] = Counter()
        for first in range(0, times * each, each):
            user = f"user{first}"
            names = ["users/me", *_made_by(process, service, user)]
            codes += _sent(process, service.address, user, names, range(first, first + each))
        table.traffic("calls of all methods", codes.total(), at_least=times * each * 10)
        _judge(table, {process: service}, codes, FAULTS, one_of=40)


def _made_by(process: str, service: Service, user: str) -> list[str]:
    """Names of what the user has: a dataset or a report, the job that makes it, and a seed set."""
    me = ((USER_KEY, user),)
    with grpc.insecure_channel(service.address, OPTIONS) as channel:
        if process == "evaluation":
            evaluation = evaluation_pb2_grpc.EvaluationStub(channel)
            job = evaluation.RunEvaluation(reports.order(), metadata=me)
            return [reports.FIRST, job.name]
        stub = datagen_pb2_grpc.DatagenStub(channel)
        header = datagen_pb2.UploadSeedSetHeader(parent="users/me")
        parts = [{"header": header}, {"chunk": seed_zip()}]
        upload = iter([datagen_pb2.UploadSeedSetRequest(**part) for part in parts])
        seeds = stub.UploadSeedSet(upload, metadata=me)
        job = stub.MakeDataset(datasets.order(split="yollava"), metadata=me)
        return [datasets.FIRST, job.name, seeds.name]


def _sent(
    process: str, address: str, user: str, names: list[str], numbers: range
) -> "Counter[str]":
    """The statuses of the calls of each method that have these numbers."""
    tasks = [(method, number) for method in methods(process) for number in numbers]
    random.Random(1).shuffle(tasks)
    with (
        grpc.insecure_channel(address, OPTIONS) as channel,
        ThreadPoolExecutor(4) as threads,
    ):
        send = partial(_send, channel, user, names)
        return Counter(threads.map(lambda task: send(*task), tasks))


def _send(
    channel: grpc.Channel, user: str, names: list[str], method: MethodDescriptor, number: int
) -> str:
    """The status of a call whose request, and its order in a stream, are those of the number."""
    rng = random.Random(f"{method.full_name} {number}")
    writer = Writer(rng, names, [PICTURE.read_bytes(), mutant(number)])
    path = f"/{method.containing_service.full_name}/{method.name}"
    kinds = {
        (False, False): channel.unary_unary,
        (False, True): channel.unary_stream,
        (True, False): channel.stream_unary,
    }
    call: Any = kinds[method.client_streaming, method.server_streaming](path)
    wires = [writer.wire(method) for _ in range(rng.randrange(4) if method.client_streaming else 1)]
    request = iter(wires) if method.client_streaming else wires[0]
    # A watch is over only when its caller leaves, and a wait when what is waited for is.
    has_no_end = method.name.startswith(("Watch", "Wait"))
    patience_s = 0.5 if has_no_end else 120
    try:
        answer = call(request, metadata=[(USER_KEY, user)], timeout=patience_s)
        if method.server_streaming:
            for _ in answer:
                pass
    except grpc.RpcError as failed:
        code: str = failed.code().name  # type: ignore[attr-defined]
        return "OK" if has_no_end and code == "DEADLINE_EXCEEDED" else code
    return "OK"


def test_no_call_over_mcp_meets_a_fault_of_ours(
    effort: Effort, whole: Whole, user: str, names: list[str]
) -> None:
    count = 5000 if effort == "long" else 150
    with (
        Table("Messages over MCP", ORACLE, effort) as table,
        httpx.Client(base_url=whole.url, headers={"Kith-User": user}, timeout=120) as http,
        ThreadPoolExecutor(4) as threads,
    ):
        codes = Counter(threads.map(partial(_call_tool, http, names), range(count)))
        codes += Counter(threads.map(partial(_call_nonsense, http), range(count)))
        table.traffic("calls of tools and nonsense", codes.total(), at_least=2 * count)
        _judge(
            table, whole.services, codes, FAULTS | {"JSON-RPC 0", "JSON-RPC -32603"} | HTTP_FAULTS
        )


def _call_tool(http: httpx.Client, names: list[str], number: int) -> str:
    """How a tool ends whose arguments are of its schema, more or less."""
    rng = random.Random(number)
    tool = rng.choice(tools.described("upload"))
    schema = tool.input_schema
    arguments = of_schema(rng, names, schema, schema)
    params = {"name": tool.name, "arguments": arguments}
    return _rpc(http, {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params})


def _call_nonsense(http: httpx.Client, number: int) -> str:
    rng = random.Random(number)
    if rng.random() < 0.4:
        return _outcome(http.post("/mcp", content=junk(rng), headers=_MCP))
    known = ("tools/call", "tools/list", "resources/read", "initialize", "ping", "bo", "")
    message = {
        "jsonrpc": rng.choice(("2.0", "2.0", "1.0", 2, None)),
        "id": rng.choice((1, "a", None, [], -1, 2**70)),
        "method": rng.choice((*known, 7, None)),
        "params": anything(rng),
    }
    return _rpc(http, {key: value for key, value in message.items() if rng.random() < 0.9})


_MCP: Final = {
    "Accept": "application/json, text/event-stream",
    "Content-Type": "application/json",
}


def _rpc(http: httpx.Client, message: object) -> str:
    return _outcome(http.post("/mcp", content=json.dumps(message), headers=_MCP))


def _outcome(answer: httpx.Response) -> str:
    """The status of a tool, else of JSON-RPC, else of HTTP."""
    for line in [answer.text, *answer.text.splitlines()]:
        try:
            said = json.loads(line.removeprefix("data: "))
        except ValueError:
            continue
        if isinstance(said, dict) and "error" in said and "code" in said["error"]:
            return f"JSON-RPC {said['error']['code']}"
        if isinstance(said, dict) and "result" in said:
            meta = said["result"].get("_meta", {})
            return str(meta["kith.dev/error"]["status"]) if "kith.dev/error" in meta else "OK"
    return str(answer.status_code)


def test_no_request_over_http_meets_a_fault_of_ours(
    effort: Effort, whole: Whole, user: str, names: list[str]
) -> None:
    each, by_schema = (300, 100) if effort == "long" else (4, 2)
    with (
        Table(
            "Messages over HTTP", f"{ORACLE}; schemathesis makes a part of them", effort
        ) as table,
        httpx.Client(base_url=whole.url, headers={"Kith-User": user}, timeout=120) as http,
        ThreadPoolExecutor(4) as threads,
    ):
        document = http.get("/openapi.json").json()
        operations = list(_operations(document))
        tasks = [(*route, number) for _, route in operations for number in range(each)]
        random.Random(1).shuffle(tasks)
        codes = Counter(threads.map(lambda task: _request(http, names, *task), tasks))
        for operation, _ in operations:
            codes += _by_schema(operation, whole.url, user, names, by_schema)
        table.traffic(f"requests of {len(operations)} routes", codes.total(), at_least=each * 22)
        _judge(table, whole.services, codes, HTTP_FAULTS)


def _operations(document: dict[str, Any]) -> Iterator[tuple[Any, tuple[str, str]]]:
    """What the gateway says that it serves, but for a watch: it has no end."""
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        operation = found.ok()
        if operation.path != "/v1/watch":
            yield operation, (operation.method.upper(), operation.path)


def _request(http: httpx.Client, names: list[str], verb: str, path: str, number: int) -> str:
    """The status of a request with the fields that routes know and anything in them, or junk."""
    rng = random.Random(f"{verb} {path} {number}")
    path = path.replace("{concept}", rng.choice([names[3].split("/")[3], "0", "%00", "a" * 65]))
    path = path.replace("{view}", rng.choice([names[5].split("/")[5], "0", "a" * 65]))
    content = junk(rng) if rng.random() < 0.3 else json.dumps(body(rng, names)).encode()
    kind = rng.choice(("application/json",) * 4 + ("text/plain", "multipart/form-data"))
    answer = http.request(verb, path, content=content, headers={"Content-Type": kind})
    return str(answer.status_code)


def _by_schema(
    operation: Any,  # noqa: ANN401 - of schemathesis
    url: str,
    user: str,
    names: list[str],
    count: int,
) -> Counter[str]:
    """The statuses of requests that the document allows, and of those that it does not."""
    codes: Counter[str] = Counter()
    there = {"concept": names[3].split("/")[3], "view": names[5].split("/")[5]}

    def send(case: schemathesis.Case) -> None:
        case.headers = {**(case.headers or {}), "Kith-User": user}
        case.path_parameters.update({n: there[n] for n in there if n in case.path_parameters})
        codes[str(case.call(base_url=url, timeout=120).status_code)] += 1

    for mode in GenerationMode:
        strategy = operation.as_strategy(generation_mode=mode)
        # An operation without input has no bad one.
        with contextlib.suppress(SkipTest, Unsatisfiable):
            settings(
                max_examples=count,
                deadline=None,
                derandomize=True,
                database=None,
                suppress_health_check=list(HealthCheck),
            )(given(case=strategy)(send))()
    return codes


def _judge(
    table: Table,
    services: Mapping[str, Service],
    codes: "Counter[str]",
    faults: frozenset[str],
    one_of: int = 20,
) -> None:
    """Also, that one of so many calls at least was done."""
    done = sum(codes[code] for code in DONE)
    table.traffic("of them done", done, at_least=codes.total() // one_of)
    for code, count in codes.most_common():
        table.tell(code, count)
    bad = {code: codes[code] for code in codes if code in faults}
    table.exactly("answers that tell of a fault of ours", str(bad or "none"), "none")
    logs = b"".join(service.log.read_bytes() for service in services.values())
    failures = [line for line in logs.splitlines() if b'"failure"' in line]
    table.exactly("failures in the logs", len(failures), 0)
    for name, service in services.items():
        table.exactly(f"{name} lives", str(service.is_alive()), "True")
