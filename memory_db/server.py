"""The index on a Qdrant server or cluster: one collection an embedding model, users as tenants."""

from collections.abc import Collection, Sequence

import numpy as np
from qdrant_client import QdrantClient, models

from memory_db.index import INDEXED_FIELDS, VECTOR, Hit, Point, Where
from memory_db.names import folder_name
from memory_db.schema import Vectors


class ServerIndex:
    """A `VectorIndex` on a server. As safe to call from many threads as its client is.

    Args:
        client: The connection; `close` leaves it open, since users may share it.
        user: Whose points these are; no call reaches another user's.
        model: Name of the embedding model; its collection is made when it is not there.
        dim: Length of its vectors.
    """

    def __init__(self, client: QdrantClient, *, user: str, model: str, dim: int) -> None:
        self._client = client
        self._dim = dim
        self._user = folder_name(user)
        self._collection = f"kith-{folder_name(model)}"
        if not client.collection_exists(self._collection):
            self._create()

    @property
    def dim(self) -> int:
        """See `VectorIndex.dim`."""
        return self._dim

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

    def get(self, ids: Collection[str], *, with_vectors: bool = False) -> list[Point]:
        """See `VectorIndex.get`."""
        if not ids:
            return []
        rows = self._client.retrieve(self._collection, list(ids), with_vectors=with_vectors)
        return [_point(row) for row in rows if (row.payload or {})["user"] == self._user]

    def scroll(
        self, where: Where, start: str | None, limit: int, *, with_vectors: bool = False
    ) -> tuple[list[Point], str | None]:
        """See `VectorIndex.scroll`."""
        rows, following = self._client.scroll(
            self._collection,
            scroll_filter=self._filter(where),
            offset=start,
            limit=limit,
            with_vectors=with_vectors,
        )
        return [_point(row) for row in rows], None if following is None else str(following)

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

    def count(self, where: Where) -> int:
        """See `VectorIndex.count`."""
        return self._client.count(self._collection, count_filter=self._filter(where)).count

    def purge(self, ids: Collection[str]) -> None:
        """See `VectorIndex.purge`."""
        if ids:
            these = models.HasIdCondition(has_id=list(ids))
            mine = models.Filter(must=[*self._conditions({}), these])
            self._client.delete(self._collection, models.FilterSelector(filter=mine), wait=True)

    def close(self) -> None:
        """See `VectorIndex.close`: the client is its owner's to close."""

    def _create(self) -> None:
        self._client.create_collection(
            self._collection,
            vectors_config={
                VECTOR: models.VectorParams(size=self._dim, distance=models.Distance.EUCLID)
            },
            # A graph for each user instead of one for all: no query ever walks through another's.
            hnsw_config=models.HnswConfigDiff(m=0, payload_m=16),
            strict_mode_config=models.StrictModeConfig(
                enabled=True,
                unindexed_filtering_retrieve=False,
                unindexed_filtering_update=False,
            ),
        )
        self._client.create_payload_index(
            self._collection,
            "user",
            models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=True),
        )
        for field in INDEXED_FIELDS:
            self._client.create_payload_index(
                self._collection, field, models.PayloadSchemaType.KEYWORD
            )

    def _filter(self, where: Where) -> models.Filter:
        return models.Filter(must=list(self._conditions(where)))

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
    """A connection to a Qdrant server; nothing is sent before it is used."""
    return QdrantClient(url=url, api_key=api_key, check_compatibility=False)
