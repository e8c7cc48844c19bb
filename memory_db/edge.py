"""The embedded index: Qdrant's engine in this process, one folder a user and embedding model.

LOCK             held while the folder is open
memory.json      the model, its dimension, and which shard counts
shard-000001/    the engine's files
"""

import json
import shutil
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import qdrant_edge as engine

from kith.errors import Refused
from memory_db.durable import FolderLock, replace_whole, require_room, sync, writing
from memory_db.empty_shard import write_empty_shard
from memory_db.index import VECTOR, Hit, Point, Where
from memory_db.schema import Vectors

_PAGE = 100
"""Points that `purge` copies at a time; they are small enough for one `require_room`."""

_FLUSH_EVERY = 500
"""Edits after which the engine writes all its files and shortens its log: 10 to 50 ms."""


class EdgeIndex:
    """A `VectorIndex` on disk, for one process. Safe to call from many threads.

    Search is exact: no graph is ever built.

    Args:
        folder: Made when it is not there.
        model: Name of the embedding model, checked against the one the folder was made with.
        dim: Length of its vectors.

    Raises:
        Refused: Another process has the folder open, it can't be made or written, there is no room
            for temporary files to make it, or it belongs to another model. Every edit raises it
            where the disk is full or can't be written.
    """

    def __init__(self, folder: Path, *, model: str, dim: int) -> None:
        self._folder = folder
        self._about: dict[str, str | int] = {"model": model, "dim": dim}
        self._dim = dim
        self._unflushed = 0
        self._writes = 0
        self._is_name_on_disk = False
        # Callers wait here while `purge` swaps the shard; the engine holds the GIL in any case.
        self._mutex = threading.RLock()
        self._lock = _locked(folder)
        try:
            with _opening(folder):
                self._shard = self._open()
        except BaseException:
            self._lock.release()
            raise

    @property
    def dim(self) -> int:
        """See `VectorIndex.dim`."""
        return self._dim

    @property
    def writes(self) -> int:
        """See `VectorIndex.writes`: the lock keeps others out."""
        return self._writes

    def require_room(self) -> None:
        """See `VectorIndex.require_room`."""
        with writing("memory"):
            require_room(self._folder)
        with self._mutex:
            if not self._is_name_on_disk:
                self._sync_name()

    def upsert(self, points: Sequence[Point]) -> None:
        """See `VectorIndex.upsert`: one operation, one entry in the engine's log."""
        rows = [
            engine.Point(
                point.id,
                {} if point.vector is None else {VECTOR: point.vector.tolist()},
                dict(point.payload),
            )
            for point in points
        ]
        with self._mutex:
            self.require_room()
            self._writes += 1
            self._shard.update(engine.UpdateOperation.upsert_points(rows))
            self._keep()

    def get(self, ids: Collection[str], *, with_vectors: bool = False) -> list[Point]:
        """See `VectorIndex.get`."""
        with self._mutex:
            return [_point(row) for row in self._shard.retrieve(list(ids), True, with_vectors)]

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
        request = engine.ScrollRequest(
            offset=start,
            limit=limit,
            filter=_filter(where),
            with_payload=True if only is None else list(only),
            with_vector=with_vectors,
        )
        with self._mutex:
            rows, following = self._shard.scroll(request)
        return [_point(row) for row in rows], None if following is None else str(following)

    def search(self, vectors: Vectors, k: int, where: Where) -> list[list[Hit]]:
        """See `VectorIndex.search`."""
        requests = [
            engine.QueryRequest(
                limit=k,
                query=engine.Query.Nearest(vector.tolist(), using=VECTOR),
                filter=_filter(where),
                with_payload=True,
            )
            for vector in vectors
        ]
        with self._mutex:
            answers = self._shard.query_batch(engine.QueryBatchRequest(requests))
        return [[Hit(_point(row), row.score) for row in rows] for rows in answers]

    def count(self, where: Where) -> int:
        """See `VectorIndex.count`."""
        with self._mutex:
            return self._shard.count(engine.CountRequest(exact=True, filter=_filter(where)))

    def purge(self, ids: Collection[str]) -> None:
        """See `VectorIndex.purge`.

        The engine only marks points as deleted, and its log keeps every edit. So what stays is
        written to a new shard, and the files of the old one are removed.
        """
        doomed = set(ids)
        with self._mutex:
            self._remove_other_shards()  # of a purge that failed
            if not doomed:
                return
            self.require_room()
            self._writes += 1
            name = f"shard-{int(self._shard_name[-6:]) + 1:06d}"
            fresh = self._create(name)
            try:
                for page in self._pages():
                    kept = [
                        engine.Point(row.id, row.vector or {}, row.payload)
                        for row in page
                        if str(row.id) not in doomed
                    ]
                    self.require_room()
                    fresh.update(engine.UpdateOperation.upsert_points(kept))
                fresh.flush()
                self._make_current(name)
            except BaseException:
                fresh.close()  # a full disk: what there was goes on
                raise
            old, self._shard = self._shard, fresh
            self._unflushed = 0
            old.close()
            self._remove_other_shards()

    def close(self) -> None:
        """See `VectorIndex.close`; calling it again does nothing."""
        with self._mutex:
            try:
                self._shard.close()
            finally:
                self._lock.release()

    def _keep(self) -> None:
        """Make the last edit survive a power cut.

        Raises:
            Refused: It may not, though the engine has taken it.
        """
        self._unflushed += 1
        try:
            if self._unflushed >= _FLUSH_EVERY or not self._sync_log():
                self._shard.flush()
                self._unflushed = 0
        except Exception as error:  # the engine raises `Exception` itself
            # The system may tell of a failed sync only once: the next edit does not trust the log.
            self._unflushed = _FLUSH_EVERY
            raise Refused(
                f"memory: it can't be told whether this edit will be kept ({error}); look whether "
                "it is there, and try again what is not; the operator has to see to the disk that "
                "KITH_MEMORY is on",
                reason="MEMORY_EDIT_UNCERTAIN",
                field="memory",
            ) from error

    def _sync_log(self) -> bool:
        """Make the last edit survive a power cut; False when the log was rolled over meanwhile.

        The engine writes its log to a memory map and leaves the rest to the system, which a killed
        process survives. A whole `flush` would do, but takes 25 disk writes where this takes one.
        """
        try:
            for file in (self._folder / self._shard_name / "wal").iterdir():
                sync(file)
        except FileNotFoundError:
            return False
        return True

    def _open(self) -> engine.EdgeShard:
        with writing("memory"):
            require_room(self._folder)
        about = self._folder / "memory.json"
        known = json.loads(about.read_text(encoding="utf-8")) if about.exists() else None
        self._shard_name = known["shard"] if known else ""
        self._remove_other_shards()  # of a process killed in `purge`, or before
        if known is None:
            shard = self._create("shard-000001")
            self._make_current("shard-000001")
            self._sync_name()
            return shard
        if (known["model"], known["dim"]) != (self._about["model"], self._dim):
            raise Refused(
                f"the memory in {self._folder} holds vectors of {known['model']} "
                f"({known['dim']} numbers), not of {self._about['model']} ({self._dim})",
                reason="MEMORY_OF_ANOTHER_MODEL",
            )
        return engine.EdgeShard.load(str(self._folder / self._shard_name))

    def _create(self, name: str) -> engine.EdgeShard:
        """A shard without points; it counts once it is made current."""
        shard = self._folder / name
        with writing("memory"):
            write_empty_shard(shard, self._dim)
        return engine.EdgeShard.load(str(shard))

    def _make_current(self, name: str) -> None:
        """Name a shard as the one that counts: for this process and in memory.json, or in neither.

        A power cut may bring back the name before until `_sync_name` has returned.
        """
        about = self._about | {"shard": name}
        with writing("memory"):
            replace_whole(self._folder / "memory.json", json.dumps(about).encode())
        self._shard_name = name
        self._is_name_on_disk = False

    def _sync_name(self) -> None:
        with writing("memory"):
            sync(self._folder)
        self._is_name_on_disk = True

    def _remove_other_shards(self) -> None:
        """Remove what does not count, once no power cut can make it count again."""
        others = [one for one in self._folder.glob("shard-*") if one.name != self._shard_name]
        if not others:
            return
        self._sync_name()
        with writing("memory"):
            for other in others:
                shutil.rmtree(other)

    def _pages(self) -> Iterator[list[engine.Record]]:
        start = None
        while True:
            rows, start = self._shard.scroll(
                engine.ScrollRequest(offset=start, limit=_PAGE, with_payload=True, with_vector=True)
            )
            yield rows
            if start is None:
                return


def model_of(folder: Path) -> tuple[str, int]:
    """The embedding model of a folder that holds a memory, and the length of its vectors."""
    about = json.loads((folder / "memory.json").read_text(encoding="utf-8"))
    return about["model"], about["dim"]


def _locked(folder: Path) -> FolderLock:
    """The lock of a folder, which is made if need be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return FolderLock(folder)
    except OSError as error:
        raise Refused(
            f"memory: {error.filename or folder} can't be used ({error.strerror}); give a folder "
            "that you may write to, with --memory or KITH_MEMORY",
            reason="MEMORY_UNUSABLE",
            field="memory",
        ) from error


@contextmanager
def _opening(folder: Path) -> Iterator[None]:
    """Names what the engine raises when it can't open its files, which is `Exception` itself."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise Refused(
            f"memory: the engine can't open {folder} ({error}); the operator has to give this "
            "process more open files, or to bring the folder back from a backup",
            reason="MEMORY_UNUSABLE",
            field="memory",
        ) from error


def _filter(where: Where) -> engine.Filter:
    return engine.Filter(
        must=[
            engine.FieldCondition(field, match=engine.MatchAny(list(words)))
            for field, words in where.items()
        ]
    )


def _point(row: engine.Record | engine.ScoredPoint) -> Point:
    vector = row.vector.get(VECTOR) if isinstance(row.vector, dict) else None
    return Point(
        str(row.id),
        row.payload or {},
        None if vector is None else np.asarray(vector, dtype=np.float32),
    )
