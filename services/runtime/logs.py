"""Structured logs: one JSON object a line on standard error, readable text on a terminal."""

import logging
import sys
import traceback
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_OURS = ("kith", "memory_db", "services", "datagen")


def start_logging(level: str) -> None:
    """Logs what Kith says from `level` on, and of other libraries warnings and errors."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _places_of_failure,
    ]
    render: Processor = (
        structlog.dev.ConsoleRenderer(colors=False)
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in _OURS:
        logging.getLogger(name).setLevel(level.upper())


def _places_of_failure(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Tells of an exception its types and places; a user's words may be in its text."""
    failure = event.pop("exc_info", None)
    if isinstance(failure, tuple) and failure[1] is not None:
        event["failure"] = _chain(failure[1])
    return event


def _chain(error: BaseException) -> list[str]:
    causes: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(causes) < 8:
        causes.append(f"{type(seen).__name__} {_frames(seen.__traceback__)}")
        seen = seen.__cause__ or seen.__context__
    return causes


def _frames(where: TracebackType | None) -> str:
    return " < ".join(
        f"{frame.filename}:{frame.lineno} {frame.name}"
        for frame in reversed(traceback.extract_tb(where))
    )
