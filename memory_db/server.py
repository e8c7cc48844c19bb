"""The index on a Qdrant server or cluster: one collection an embedding model, users as tenants."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx
import numpy as np
from qdrant_client import QdrantClient, models
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from kith.errors import KithError, Overloaded, Refused, Unavailable
from memory_db.index import INDEXED_FIELDS, VECTOR, Hit, Point, Where
from memory_db.names import folder_name
from memory_db.schema import Vectors

_PREFIX: Final = "kith-"
"""Of the collections that are ours."""

_TIMEOUT_S: Final = 10
_MOST_USERS: Final = 1_000_000


@contextmanager
def _asking() -> Iterator[None]:
    """Raises what a failed request means.

    Raises:
        Unavailable: Nobody answers, or not in time; the same call works once the server is back.
        Overloaded: The server has a limit, and it is reached.
        Refused: It does not accept our key.
    """
    try:
        yield
    except (ResponseHandlingException, ResourceExhaustedResponse, UnexpectedResponse) as error:
        meant = _meaning(error)
        if meant is None:
            raise
        raise meant from error


def _meaning(error: Exception) -> KithError | None:
    """What to tell of a request that failed; None when it is a bug of ours."""
    match error:
        case ResponseHandlingException(source=httpx.TransportError()):
            what = "can't be reached, or is too slow; start it or correct KITH_MEMORY_URL"
            return Unavailable(f"memory: the Qdrant server {what}", reason="MEMORY_UNREACHABLE")
        case ResourceExhaustedResponse() | UnexpectedResponse(status_code=429):
            what = "memory: the Qdrant server's limit is reached; try again later"
            seconds = float(getattr(error, "retry_after_s", 1))
            return Overloaded(what, reason="MEMORY_BUSY", retry_after_s=seconds)
        case UnexpectedResponse(status_code=401 | 403):
            what = "memory: the Qdrant server does not accept the key; correct KITH_MEMORY_KEY"
            return Refused(what, reason="MEMORY_KEY_REFUSED")
        case UnexpectedResponse(status_code=int(code)) if code >= 500:
            what = f"memory: the Qdrant server fails ({code}); look into its log"
            return Unavailable(what, reason="MEMORY_FAILED")
    return None


class ServerIndex:
    """A `VectorIndex` on a server. As safe to call from many threads as its client is.

    Every call raises what `_asking` says.

    Args:
        client: The connection; `close` leaves it open, since users share it.
        user: Whose points these are; no call reaches another user's.
        model: Name of the embedding model; its collection is made when it is not there.
        dim: Length of its vectors.

    Raises:
        Refused: The collection holds vectors of another length.
    """

    @_asking()
    def __init__(self, client: QdrantClient, *, user: str, model: str, dim: int) -> None:
        self._client = client
        self._dim = dim
        self._user = user
        self._collection = f"{_PREFIX}{folder_name(model)}"
        if not client.collection_exists(self._collection):
            self._create(model)
        about = client.get_collection(self._collection)
        if (held := _dim(about)) != dim:
            raise Refused(
                f"the memory on the server holds vectors of {held} numbers, {model} has {dim}",
                reason="MEMORY_OF_ANOTHER_MODEL",
            )
        # Whoever made the collection may have been killed before its indexes were there.
        self._index_fields(about.payload_schema)

    @property
    def dim(self) -> int:
        """See `VectorIndex.dim`."""
        return self._dim

    @property
    def writes(self) -> None:
        """See `VectorIndex.writes`: other processes write too, and the server does not count."""

    def require_room(self) -> None:
        """See `VectorIndex.require_room`: a server says so of each edit."""

    @_asking()
    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorIndex.upsert`: the last point is written when all others are."""
        rows = [
            models.PointStruct(
                id=point.id,
                vector={} if point.vector is None else {VECTOR: point.vector.tolist()},
                payload={**point.payload, "user": self._user},
            )
            for point in points
        ]
        # Points of one request may live on different shards, so the server can't make it atomic.
        for batch in (rows[:-1], rows[-1:]):
            if batch:
                self._client.upsert(self._collection, batch, wait=True)

    @_asking()
    def get(self, ids: Collection[str], *, with_vectors: bool = False) -> list[Point]:
        """See `VectorIndex.get`."""
        if not ids:
            return []
        # Not by `retrieve`: a row of another user's would come along, and take its time.
        rows, _ = self._client.scroll(
            self._collection,
            scroll_filter=self._mine(ids),
            limit=len(ids),
            with_vectors=with_vectors,
        )
        return [_point(row) for row in rows]

    @_asking()
    def scroll(
        self,
        where: Where,
        start: str | None,
        limit: int,
        *,
        only: Sequence[str] | None = None,
        with_vectors: bool = False,
    ) -> tuple[list[Point], str | None]:
        """See `VectorIndex.scroll`."""
        rows, following = self._client.scroll(
            self._collection,
            scroll_filter=self._filter(where),
            offset=start,
            limit=limit,
            with_payload=True if only is None else list(only),
            with_vectors=with_vectors,
        )
        return [_point(row) for row in rows], None if following is None else str(following)

    @_asking()
    def search(self, vectors: Vectors, k: int, where: Where) -> list[list[Hit]]:
        """See `VectorIndex.search`."""
        requests = [
            models.QueryRequest(
                query=vector.tolist(),
                using=VECTOR,
                limit=k,
                filter=self._filter(where),
                with_payload=True,
            )
            for vector in vectors
        ]
        answers = self._client.query_batch_points(self._collection, requests)
        return [[Hit(_point(row), row.score) for row in answer.points] for answer in answers]

    @_asking()
    def count(self, where: Where) -> int:
        """See `VectorIndex.count`."""
        return self._client.count(self._collection, count_filter=self._filter(where)).count

    @_asking()
    def purge(self, ids: Collection[str]) -> None:
        """See `VectorIndex.purge`."""
        if ids:
            mine = models.FilterSelector(filter=self._mine(ids))
            self._client.delete(self._collection, mine, wait=True)

    def close(self) -> None:
        """See `VectorIndex.close`: the client is its owner's to close."""

    def _create(self, model: str) -> None:
        try:
            self._client.create_collection(
                self._collection,
                vectors_config={
                    VECTOR: models.VectorParams(size=self._dim, distance=models.Distance.EUCLID)
                },
                # A graph for each user instead of one for all: no query walks through another's.
                hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
                strict_mode_config=models.StrictModeConfig(
                    enabled=True,
                    unindexed_filtering_retrieve=False,
                    unindexed_filtering_update=False,
                ),
                metadata={"model": model},
            )
        except UnexpectedResponse as error:
            if error.status_code != httpx.codes.CONFLICT:  # another process was faster
                raise

    def _index_fields(self, there: Collection[str]) -> None:
        for field in ("user", *INDEXED_FIELDS):
            if field not in there:
                schema = models.KeywordIndexParams(
                    type=models.KeywordIndexType.KEYWORD, is_tenant=field == "user"
                )
                self._client.create_payload_index(self._collection, field, schema, wait=True)

    def _filter(self, where: Where) -> models.Filter:
        return models.Filter(must=list(self._conditions(where)))

    def _mine(self, ids: Collection[str]) -> models.Filter:
        """Those of the ids that are this user's."""
        these = models.HasIdCondition(has_id=list(ids))
        return models.Filter(must=[*self._conditions({}), these])

    def _conditions(self, where: Where) -> list[models.FieldCondition]:
        every = {"user": [self._user], **where}
        return [
            models.FieldCondition(key=field, match=models.MatchAny(any=list(words)))
            for field, words in every.items()
        ]


def _point(row: models.Record | models.ScoredPoint) -> Point:
    payload = {field: value for field, value in (row.payload or {}).items() if field != "user"}
    vector = row.vector.get(VECTOR) if isinstance(row.vector, dict) else None
    return Point(
        str(row.id),
        payload,
        None if vector is None else np.asarray(vector, dtype=np.float32),
    )


def connect(url: str, api_key: str | None) -> QdrantClient:
    """A connection to a Qdrant server; nothing is sent before it is used.

    Raises:
        Refused: `url` is none.
    """
    try:
        return QdrantClient(url=url, api_key=api_key, timeout=_TIMEOUT_S, check_compatibility=False)
    except ValueError as error:
        raise Refused(
            f"memory_url: {url!r} is no URL of a server; give it as in http://127.0.0.1:6333",
            reason="MEMORY_URL_INVALID",
            field="memory_url",
        ) from error


@_asking()
def users_by_model(client: QdrantClient) -> dict[tuple[str, int], list[str]]:
    """The folder names of the users that have points, by embedding model and its length."""
    found: dict[tuple[str, int], list[str]] = {}
    for collection in client.get_collections().collections:
        if collection.name.startswith(_PREFIX):
            about = client.get_collection(collection.name)
            model = (about.config.metadata or {})["model"]
            hits = client.facet(collection.name, "user", limit=_MOST_USERS, exact=True).hits
            found[model, _dim(about)] = [str(hit.value) for hit in hits]
    return found


def _dim(about: models.CollectionInfo) -> int:
    vectors: Any = about.config.params.vectors
    size: int = vectors[VECTOR].size
    return size
