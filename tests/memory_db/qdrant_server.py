"""A Qdrant server's REST interface over the client's local mode, as far as Kith uses it.

No server can be had where these tests run. This one proves what local mode can't: that what we send
is what the interface takes, that no filter asks about a field without an index (strict mode), and
what happens when the server is away, slow, full, or knows us not.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from qdrant_client import QdrantClient, models

Body = dict[str, Any]


class FakeQdrant:
    """What the server keeps, and how it answers. `listening()` puts it on a port."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, Body]] = []
        self.fail_with: tuple[int, dict[str, str]] | None = None
        """Answer everything with this status and these headers."""
        self._points = QdrantClient(":memory:")
        self._schemas: dict[str, dict[str, Body]] = {}
        # Local mode is not made for threads.
        self._mutex = threading.Lock()
        self._port = 0

    @contextmanager
    def listening(self) -> Iterator[str]:
        """The URL of the server, at the same port each time."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                length = int(self.headers.get("content-length", 0))
                body = json.loads(self.rfile.read(length) or b"{}")
                status, result, headers = fake._respond(self.command, self.path, body)
                said = json.dumps({"result": result, "status": "ok", "time": 0.0}).encode()
                self.send_response(status)
                for name, value in {"content-length": str(len(said)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(said)

            do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None: ...

        with ThreadingHTTPServer(("127.0.0.1", self._port), Handler) as server:
            self._port = server.server_port
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield f"http://127.0.0.1:{self._port}"
            finally:
                server.shutdown()
                thread.join()

    def _respond(self, method: str, url: str, body: Body) -> tuple[int, object, dict[str, str]]:
        path = urlsplit(url).path
        with self._mutex:
            self.requests.append((method, url, body))
            if self.fail_with is not None:
                status, headers = self.fail_with
                return status, None, headers
            matched = re.fullmatch(r"/collections(?:/(?P<name>[^/]+)(?P<rest>/.*)?)?", path)
            assert matched, path
            name, rest = matched["name"], matched["rest"] or ""
            if name is None:
                there = [{"name": known} for known in self._schemas]
                return 200, {"collections": there}, {}
            if rest == "/exists":
                return 200, {"exists": name in self._schemas}, {}
            if (method, rest) == ("PUT", ""):
                return self._create(name, body)
            if name not in self._schemas:
                return 404, None, {}
            self._require_indexed(name, body)
            return 200, getattr(self, f"_{method}{rest}".replace("/", "_").lower())(name, body), {}

    def _create(self, name: str, body: Body) -> tuple[int, object, dict[str, str]]:
        if name in self._schemas:
            return 409, None, {}
        config = models.CreateCollection.model_validate(body)
        assert config.strict_mode_config
        assert config.strict_mode_config.enabled
        self._points.create_collection(
            name, vectors_config=config.vectors, metadata=config.metadata
        )
        self._schemas[name] = {}
        return 200, True, {}

    def _require_indexed(self, name: str, body: Body) -> None:
        """What strict mode refuses: a filter on a field that has no index."""
        asked = set(re.findall(r'"key": "(\w+)"', json.dumps(body)))
        assert asked <= self._schemas[name].keys(), f"no index for {asked}"

    def _get(self, name: str, _: Body) -> object:
        info = self._points.get_collection(name).model_dump(mode="json")
        return info | {"payload_schema": self._schemas[name]}

    def _put_index(self, name: str, body: Body) -> object:
        schema = {"data_type": body["field_schema"]["type"], "params": body["field_schema"]}
        self._schemas[name][body["field_name"]] = schema | {"points": 0}
        return _DONE

    def _put_points(self, name: str, body: Body) -> object:
        self._points.upsert(name, models.PointsList.model_validate(body).points)
        return _DONE

    def _post_points_scroll(self, name: str, body: Body) -> object:
        asked = models.ScrollRequest.model_validate(body)
        rows, following = self._points.scroll(
            name,
            asked.filter,
            limit=asked.limit or 10,
            offset=asked.offset,
            with_payload=True if asked.with_payload is None else asked.with_payload,
            with_vectors=asked.with_vector or False,
        )
        points = [row.model_dump(mode="json") for row in rows]
        return {"points": points, "next_page_offset": following}

    def _post_points_query_batch(self, name: str, body: Body) -> object:
        asked = models.QueryRequestBatch.model_validate(body).searches
        answers = self._points.query_batch_points(name, asked)
        return [answer.model_dump(mode="json") for answer in answers]

    def _post_points_count(self, name: str, body: Body) -> object:
        asked = models.CountRequest.model_validate(body)
        return {"count": self._points.count(name, asked.filter).count}

    def _post_points_delete(self, name: str, body: Body) -> object:
        self._points.delete(name, models.FilterSelector.model_validate(body))
        return _DONE

    def _post_facet(self, name: str, body: Body) -> object:
        asked = models.FacetRequest.model_validate(body)
        return self._points.facet(name, asked.key, limit=asked.limit or 10).model_dump(mode="json")


_DONE = {"operation_id": 0, "status": "completed"}
