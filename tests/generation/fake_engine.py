"""A small engine that speaks the OpenAI chat API over HTTP, and misbehaves when told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_MODEL = {"id": "fake", "object": "model", "created": 0, "owned_by": "vllm", "max_model_len": 100}


@dataclass
class FakeEngine:
    """What it says, and what it was asked."""

    says: tuple[str, ...] = (" Yes,", " <bo>", " is here.")
    finish: str = "stop"
    models: list[dict[str, Any]] = field(default_factory=lambda: [_MODEL])
    status: int = 200
    error: str = "no reason"
    """What it says when `status` is one of failure."""
    pause_s: float = 0
    """Before each word."""
    breaks_off: bool = False
    """It drops the connection after its first word."""
    fails_late: bool = False
    """It tells of a failure after its first word."""
    page: bytes = b""
    """It is no engine but a web server, which answers this."""
    cached: int | None = None
    """Tokens of each prompt that it still knew; None: it does not tell."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while it writes no answer."""
    port: int = 0
    _running: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[None]:
        """Listens, on the same port each time; leaving drops every connection."""
        writers: list[asyncio.StreamWriter] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writers.append(writer)
            try:
                while await self._answer(reader, writer):
                    pass
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            for writer in writers:
                writer.close()
            await server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii")
        headers = dict(line.lower().split(": ", 1) for line in head.strip().split("\r\n")[1:])
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.keys.append(headers["authorization"])
        if self.page:
            _write(writer, 200, "text/html", self.page)
        elif self.status != 200:
            _write_json(writer, self.status, {"error": {"message": self.error}})
        elif head.startswith("GET /v1/models"):
            _write_json(writer, 200, {"object": "list", "data": self.models})
        else:
            self.asked.append(json.loads(body))
            self.idle.clear()
            self._running += 1
            try:
                return await self._speak(reader, writer)
            finally:
                self._running -= 1
                if not self._running:
                    self.idle.set()
        return True

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n")
        writer.write(b"Transfer-Encoding: chunked\r\n\r\n")
        gone = asyncio.ensure_future(reader.read(1))  # comes back when the client hangs up
        try:
            for word in self.says:
                await asyncio.wait({gone}, timeout=self.pause_s)
                if gone.done():
                    return False
                _write_event(writer, {"choices": [_choice(word)]})
                if self.breaks_off:
                    return False
                if self.fails_late:
                    _write_event(writer, {"error": {"message": "out of memory", "code": 500}})
                    return False
        finally:
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
        _write_event(writer, {"choices": [_choice("", self.finish)]})
        usage: dict[str, Any] = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
        if self.cached is not None:
            usage["prompt_tokens_details"] = {"cached_tokens": self.cached}
        _write_event(writer, {"choices": [], "usage": usage})
        _write_chunk(writer, b"data: [DONE]\n\n")
        writer.write(b"0\r\n\r\n")
        return True


def _choice(word: str, finish: str | None = None) -> dict[str, Any]:
    return {"index": 0, "delta": {"content": word}, "finish_reason": finish}


def _write_event(writer: asyncio.StreamWriter, event: dict[str, Any]) -> None:
    chunk = {"id": "1", "object": "chat.completion.chunk", "created": 0, "model": "fake", **event}
    _write_chunk(writer, f"data: {json.dumps(chunk)}\n\n".encode())


def _write_chunk(writer: asyncio.StreamWriter, data: bytes) -> None:
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


def _write_json(writer: asyncio.StreamWriter, status: int, body: dict[str, Any]) -> None:
    _write(writer, status, "application/json", json.dumps(body).encode())


def _write(writer: asyncio.StreamWriter, status: int, kind: str, body: bytes) -> None:
    head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
