"""As much of S3 as photos need: objects by key in a bucket that is there, and their list."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_LISTED = '<?xml version="1.0"?><ListBucketResult>{}</ListBucketResult>'
_ONE = "<Contents><Key>{}</Key><Size>{}</Size><ETag>x</ETag></Contents>"
_MISSING = b'<?xml version="1.0"?><Error><Code>NoSuchKey</Code></Error>'


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]

    def do_PUT(self) -> None:
        self.objects[self._key] = self.rfile.read(int(self.headers["content-length"]))
        self._answer(200)

    def do_GET(self) -> None:
        if "list-type" not in self._query:
            self._answer(*self._found())
            return
        (prefix,) = self._query.get("prefix", [""])
        bucket = urlsplit(self.path).path.strip("/")
        listed = {key.removeprefix(f"{bucket}/"): it for key, it in self.objects.items()}
        found = [_ONE.format(key, len(it)) for key, it in listed.items() if key.startswith(prefix)]
        self._answer(200, _LISTED.format("".join(found)).encode())

    def do_HEAD(self) -> None:
        self._answer(*self._found())

    def do_DELETE(self) -> None:
        self.objects.pop(self._key, None)
        self._answer(204)

    def log_message(self, *_: Any) -> None:  # noqa: ANN401 - of any kind
        pass

    def _found(self) -> tuple[int, bytes]:
        it = self.objects.get(self._key)
        return (404, _MISSING) if it is None else (200, it)

    @property
    def _key(self) -> str:
        return unquote(urlsplit(self.path).path).lstrip("/")

    @property
    def _query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.path).query, keep_blank_values=True)

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@contextmanager
def s3_server() -> Iterator[str]:
    """Its URL."""
    handler = type("Handler", (_Handler,), {"objects": {}})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        serving = Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()
