"""Journals: every answer is added to one as it comes, and found there when a run goes on.

    {"fingerprint": "...", "part": [dataset, task, control, memory_size]}     the first line
    {"part": [...], "sample": {...}, "said": {...}}                           one an answer

A sample's photo stands there by its id, so that the folder can be moved; see `places`.

Each worker writes a file of its own, `PART.jsonl` or, of shards, `PART.1-of-4.jsonl`, and reads
those of all. A line that a crash tore is cut off by its writer, and not read by others.
"""

import json
import os
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from glob import escape
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from evaluation.files import json_lines, typed, whole_lines
from evaluation.results import Part
from evaluation.samples import Said, Sample
from kith.errors import Refused

_SYNC_S: Final = 2.0
"""How long an answer may be in the system's memory alone: a power cut costs so much, a kill
nothing."""


class Journal:
    """The journal of one part for one method, written by one worker. Threads may share it.

    Args:
        folder: Of the method's answers.
        part: What is asked.
        fingerprint: Of all that changes an answer.
        shard: (I, N).
        ids: Of the photos that are asked about.

    Raises:
        Refused: It holds answers to something else, or can't be written.
    """

    def __init__(
        self,
        folder: Path,
        part: Part,
        fingerprint: str,
        shard: tuple[int, int],
        ids: Mapping[Path, str],
    ) -> None:
        self._part = part
        self._ids = ids
        self._path = folder / own_name(part, shard)
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("ab")
            os.truncate(self._path, whole_lines(self._path))
        except OSError as error:
            raise _unwritable(self._path, error) from error
        self._synced = time.monotonic()
        if not self._path.stat().st_size:
            self._add({"fingerprint": fingerprint, "part": list(part)})

    def add(self, sample: Sample, said: Said) -> None:
        """Add an answer.

        Raises:
            Refused: It can't be written.
        """
        photo = self._ids[sample.photo] if sample.photo else None
        told = {**asdict(sample), "photo": photo}
        with self._lock:
            self._add({"part": list(self._part), "sample": told, "said": asdict(said)})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            with self._file:
                os.fsync(self._file.fileno())
        except OSError as problem:
            if error is None:  # else what went wrong first is told
                raise _unwritable(self._path, problem) from problem

    def _add(self, entry: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
            self._file.flush()
            if time.monotonic() - self._synced > _SYNC_S:
                os.fsync(self._file.fileno())
                self._synced = time.monotonic()
        except OSError as error:
            raise _unwritable(self._path, error) from error


def read(folder: Path, part: Part, fingerprint: str) -> dict[str, Said]:
    """The answers to a part that any worker has written, by their samples; errors are none.

    Args:
        folder: Of the method's answers.
        part: What was asked.
        fingerprint: Of all that changes an answer.

    Raises:
        Refused: A journal holds answers to something else, or is damaged before its last line.
    """
    found: dict[str, Said] = {}
    for path in sorted(folder.glob(f"{escape(part.file.removesuffix('.jsonl'))}*.jsonl")):
        if path.name == part.file or _is_share(path.name, part):
            for said in json_lines(path, partial(_said, path, fingerprint)):
                if said and not said.error:
                    found.setdefault(said.sample, said)
    return found


def own_name(part: Part, shard: tuple[int, int]) -> str:
    """What a worker's journal is called."""
    index, of = shard
    return part.file if of == 1 else f"{part.file.removesuffix('.jsonl')}.{index}-of-{of}.jsonl"


def _is_share(name: str, part: Part) -> bool:
    stem, _, share = name.removesuffix(".jsonl").rpartition(".")
    index, _, of = share.partition("-of-")
    return f"{stem}.jsonl" == part.file and index.isdecimal() and of.isdecimal()


def _said(path: Path, fingerprint: str, line: Mapping[str, Any]) -> Said | None:
    """What a line says; None for a first one, if it tells of that fingerprint."""
    if "said" in line:
        return typed(Said, line["said"])
    if line.get("fingerprint") != fingerprint:
        raise Refused(
            f"out: {path} holds answers to other questions, or of other models; name another "
            "folder",
            reason="JOURNAL_DIFFERS",
            field="out",
        )
    return None


def _unwritable(path: Path, error: OSError) -> Refused:
    return Refused(
        f"out: can't write {path}: {error.strerror}; make room, or name another folder",
        reason="FILE_UNWRITABLE",
        field="out",
    )
