"""What an operator sees: logs, metrics and traces, and nothing in them that a user wrote."""

import json
import logging
import sys
from collections.abc import Iterator
from http.client import HTTPConnection

import grpc
import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from prometheus_client import REGISTRY

from kith.errors import KithError, NotFound, Refused, Unauthenticated
from services.runtime import tracing
from services.runtime.calls import open_channel
from services.runtime.hop import REQUEST_ID_KEY
from services.runtime.logs import start_logging
from services.runtime.metrics import metrics_served
from services.runtime.server import Server
from services.runtime.settings import ServerSettings
from services.runtime.worker import ModelWorker
from tests.runtime.echo import Echo, embedding_of, say
from tests.runtime.serving import served
from tests.runtime.test_calls import Relay

METHOD = "kith.v1.Embedding/EmbedTexts"


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    for name in ("kith", "memory_db", "services"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


async def test_calls_are_counted_by_method_and_reason() -> None:
    def counts() -> list[float]:
        return [
            count("kith_calls_total", method=METHOD, code=code, reason=reason)
            for code, reason in (("OK", ""), ("NOT_FOUND", "CONCEPT_UNKNOWN"))
        ]

    before = counts()
    async with served(embedding_of(Echo())) as channel:
        await say(channel, "hello")
        for _ in range(2):
            with pytest.raises(NotFound):
                await say(channel, "missing")
    assert [b - a for a, b in zip(before, counts(), strict=True)] == [1, 2]
    assert count("kith_call_seconds_count", method=METHOD) >= 3
    assert count("kith_calls_running") == 0


async def test_methods_that_a_stranger_makes_up_are_all_one_label() -> None:
    before = count(
        "kith_calls_total", method="unknown", code="UNIMPLEMENTED", reason="METHOD_UNKNOWN"
    )
    async with served(embedding_of(Echo())) as channel:
        for name in ("a", "b", "c"):
            with pytest.raises(grpc.aio.AioRpcError):
                await channel.unary_unary(f"/made.up/{name}")(b"")
    after = count(
        "kith_calls_total", method="unknown", code="UNIMPLEMENTED", reason="METHOD_UNKNOWN"
    )
    assert after - before == 3


async def test_a_models_queue_and_work_are_timed_apart() -> None:
    worker = ModelWorker("timed")
    for _ in range(3):
        await worker.run(lambda: None)
    worker.close()
    assert count("kith_model_queue_seconds_count", model="timed") == 3
    assert count("kith_model_compute_seconds_count", model="timed") == 3


def test_metrics_are_served_on_a_port_of_their_own() -> None:
    with metrics_served("127.0.0.1", 0) as port:
        assert port
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/metrics")
        body = connection.getresponse().read().decode()
        connection.close()
        assert "kith_calls_total" in body
        with pytest.raises(Refused, match="metrics_port"), metrics_served("127.0.0.1", port):
            pass
    with metrics_served("127.0.0.1", None) as port:
        assert port is None


@pytest.mark.usefixtures("logging_restored")
async def test_each_call_is_a_line_of_json_with_its_id(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging("info")
    async with served(embedding_of(Echo())) as channel:
        await say(channel, "hello", **{REQUEST_ID_KEY: "my-1"})
        with pytest.raises(NotFound):
            await say(channel, "missing", **{REQUEST_ID_KEY: "my-2"})
        with pytest.raises(KithError):
            await say(channel, "bug", **{REQUEST_ID_KEY: "my-3"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    calls = {line["request_id"]: line for line in lines if line["event"] == "call"}
    assert {call["method"] for call in calls.values()} == {METHOD}
    ends = {name: (call["code"], call["reason"]) for name, call in calls.items()}
    assert ends == {
        "my-1": ("OK", ""),
        "my-2": ("NOT_FOUND", "CONCEPT_UNKNOWN"),
        "my-3": ("INTERNAL", "INTERNAL"),
    }
    assert calls["my-1"]["seconds"] >= 0
    (incident,) = (line for line in lines if line["event"].startswith("incident"))
    assert incident["request_id"] == "my-3"
    assert "echo.py" in incident["failure"][0]
    assert incident["failure"][0].startswith("RuntimeError")


@pytest.mark.usefixtures("logging_restored")
async def test_no_line_holds_what_a_user_wrote(capsys: pytest.CaptureFixture[str]) -> None:
    start_logging("debug")
    async with served(embedding_of(Echo())) as channel:
        with pytest.raises(KithError):
            await say(channel, "bug")
        await say(channel, "my dog's name is Rumpelstiltskin", **{"kith-user": "ann"})
    try:
        raise ValueError("cause: diary")
    except ValueError as cause:
        error = RuntimeError("more of the diary")
        error.__cause__ = cause
        logging.getLogger("elsewhere").error("it failed", exc_info=error)
    said = capsys.readouterr().err
    assert "ValueError" in said
    assert "diary" not in said
    assert "Rumpelstiltskin" not in said


@pytest.mark.usefixtures("logging_restored")
def test_a_terminal_gets_lines_for_people(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    start_logging("warning")
    logging.getLogger("services.runtime").warning("look out")
    logging.getLogger("services.runtime").info("never mind")
    said = capsys.readouterr().err
    assert "look out" in said
    assert "never mind" not in said
    assert not said.startswith("{")


class Kept(SpanExporter):
    """Keeps the spans it is sent."""

    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: "list[ReadableSpan]") -> SpanExportResult:  # type: ignore[override]
        self.spans += spans
        return SpanExportResult.SUCCESS


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Kept:
    kept, provider = Kept(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("kith"))
    return kept


async def test_a_trace_goes_through_every_service(kept: Kept) -> None:
    settings = ServerSettings(port=0, grace_s=0)
    async with (
        Server(settings, [embedding_of(Echo())]) as inner,
        open_channel(f"127.0.0.1:{inner.port}") as onward,
        served(embedding_of(Relay(onward))) as channel,
    ):
        with pytest.raises(NotFound):
            await say(channel, "missing")
    # The test's own call and the relay's, each made and served.
    by_parent = {span.parent and span.parent.span_id: span for span in kept.spans}
    chain: list[ReadableSpan] = []
    parent: int | None = None
    while parent in by_parent:
        chain.append(by_parent[parent])
        parent = chain[-1].get_span_context().span_id
    assert [span.kind.name for span in chain] == ["CLIENT", "SERVER", "CLIENT", "SERVER"]
    assert {span.name for span in kept.spans} == {METHOD}
    assert {span.status.status_code for span in kept.spans} == {trace.StatusCode.ERROR}
    codes = [(span.attributes or {})["rpc.response.status_code"] for span in chain]
    assert codes == ["NOT_FOUND"] * 4


async def test_without_an_endpoint_no_span_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    with tracing.traces_sent("assistant"):
        span, carried = tracing.calling_span(METHOD)
    assert not span.is_recording()
    assert carried == {}


async def test_a_refused_stranger_is_counted_too(tmp_path_factory: pytest.TempPathFactory) -> None:
    tokens = tmp_path_factory.mktemp("tokens") / "tokens"
    tokens.touch()
    labels = {"method": METHOD, "code": "UNAUTHENTICATED", "reason": "TOKEN_UNKNOWN"}
    before = count("kith_calls_total", **labels)
    async with served(embedding_of(Echo()), tokens_file=tokens) as channel:
        with pytest.raises(Unauthenticated):
            await say(channel, "hello")
    assert count("kith_calls_total", **labels) - before == 1
