"""What an operator sees of each call: a line in the log, counts and times, a span."""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from services.runtime import metrics, tracing

_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """What was called, and how it ended."""

    method: str
    """Where a call tells it by and by, as over HTTP, it may be set until the end."""
    code: str = "OK"
    reason: str = ""


@contextmanager
def observed(
    method: str, metadata: Mapping[str, str | bytes], request_id: str
) -> Iterator[Outcome]:
    """Watches a call being served; the block writes down how it ended, if not well.

    Args:
        method: As in "kith.v1.Assistant/Retrieve". One of ours: a stranger's words in a label
            would grow for ever.
        metadata: That the caller sent.
        request_id: Stands in every line that is logged while the call is served.
    """
    started = time.perf_counter()
    structlog.contextvars.bind_contextvars(request_id=request_id, method=method)
    span = tracing.serving_span(method, metadata, request_id)
    outcome = Outcome(method)
    try:
        yield outcome
    except BaseException:  # the caller has left, which raises CancelledError or GeneratorExit
        if outcome.code == "OK":
            outcome.code = "CANCELLED"
        raise
    finally:
        took = time.perf_counter() - started
        structlog.contextvars.bind_contextvars(method=outcome.method)
        span.update_name(outcome.method)
        span.set_attribute("rpc.method", outcome.method)
        metrics.CALLS.labels(outcome.method, outcome.code, outcome.reason).inc()
        metrics.CALL_SECONDS.labels(outcome.method).observe(took)
        tracing.end(span, outcome.code, outcome.reason)
        told = {"code": outcome.code, "reason": outcome.reason, "seconds": round(took, 4)}
        _log.info("call", extra=told)
