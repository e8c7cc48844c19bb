"""What Prometheus is told: calls by method and reason, models by queue and compute time.

Labels hold names of methods, models and reasons, never what a user wrote or who it was.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, start_http_server

from kith.errors import Refused
from services.runtime.address import written

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

CALLS: Final = Counter(
    "kith_calls", "Calls answered, by what came of them.", ["method", "code", "reason"]
)
CALL_SECONDS: Final = Histogram(
    "kith_call_seconds", "From a call's first byte to its last.", ["method"], buckets=_SECONDS
)
CALLS_RUNNING: Final = Gauge("kith_calls_running", "Calls being served.")
_WAITED: Final = Histogram(
    "kith_model_queue_seconds", "Wait for a model.", ["model"], buckets=_SECONDS
)
_COMPUTED: Final = Histogram(
    "kith_model_compute_seconds", "A model's own work on a batch.", ["model"], buckets=_SECONDS
)
_ITEMS: Final = Counter("kith_model_items", "Pictures, texts or answers done.", ["model"])
_REFUSED: Final = Counter("kith_model_refusals", "Calls that found the queue full.", ["model"])


class ModelMetrics:
    """The `timing.Observer` that tells Prometheus."""

    def waited(self, model: str, seconds: float) -> None:
        """See `Observer.waited`."""
        _WAITED.labels(model).observe(seconds)

    def computed(self, model: str, seconds: float, items: int) -> None:
        """See `Observer.computed`."""
        _COMPUTED.labels(model).observe(seconds)
        _ITEMS.labels(model).inc(items)

    def refused(self, model: str) -> None:
        """See `Observer.refused`."""
        _REFUSED.labels(model).inc()


@contextmanager
def metrics_served(host: str, port: int | None) -> Iterator[int | None]:
    """Serves the metrics over HTTP for as long as the block; gives the port. None serves none.

    Raises:
        Refused: The port is taken.
    """
    if port is None:
        yield None
        return
    try:
        server, thread = start_http_server(port, host)
    except OSError as error:
        raise Refused(
            f"metrics_port: can't listen on {written(host, port)}; choose another",
            reason="PORT_UNAVAILABLE",
            field="metrics_port",
        ) from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
