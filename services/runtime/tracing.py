"""OpenTelemetry spans: one a call served, one a call made, joined across services by metadata.

Nothing is recorded unless `OTEL_EXPORTER_OTLP_ENDPOINT` says where to. Spans hold methods, codes
and reasons, never what a user wrote.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

_ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")

_tracer = trace.get_tracer("kith")


@contextmanager
def traces_sent(service: str) -> Iterator[None]:
    """Sends spans, in the name of kith-`service`, for as long as the block; on its end the rest.

    All else is read by OpenTelemetry itself from the variables of its specification.
    """
    if not any(os.environ.get(name) for name in _ENDPOINTS):
        yield
        return
    # Only who asks for spans pays for these imports.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    name = os.environ.get("OTEL_SERVICE_NAME", f"kith-{service}")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        provider.shutdown()


def serving_span(method: str, metadata: Mapping[str, str | bytes], request_id: str) -> Span:
    """The span of a call being served, from now on the parent of those this task makes."""
    parent = propagate.extract({k: v for k, v in metadata.items() if isinstance(v, str)})
    span = _start(method, SpanKind.SERVER, parent)
    span.set_attribute("kith.request_id", request_id)
    # Each call is served in a task of its own, so there is nobody to give the place back to.
    context.attach(trace.set_span_in_context(span))
    return span


def calling_span(method: str) -> tuple[Span, dict[str, str]]:
    """The span of a call to another service, and the metadata that tells that service of it."""
    span = _start(method, SpanKind.CLIENT, None)
    carrier: dict[str, str] = {}
    propagate.inject(carrier, trace.set_span_in_context(span))
    return span, carrier


def end(span: Span, code: str, reason: str = "") -> None:
    """Ends a span with the outcome of its call."""
    span.set_attribute("rpc.response.status_code", code)
    if code != "OK":
        span.set_status(Status(StatusCode.ERROR, reason))
    span.end()


def _start(method: str, kind: SpanKind, parent: context.Context | None) -> Span:
    return _tracer.start_span(
        method, parent, kind, {"rpc.system.name": "grpc", "rpc.method": method}
    )
