"""A dataset on disk, begun by any of its workers and finished by the last one.

    OUT/README.md  plan.json  decisions.jsonl  checksums.sha256  contact.png
    OUT/train/metadata.jsonl  0001.jpg ...          the same in test and multi
    OUT/test/real/NAME/01.jpg ...                   real photos, if the seeds have some
    OUT/seeds/concepts.yaml  metadata.jsonl  NAME/train/01.jpg ...
    OUT/packed/README.md  train-00000-of-00001.parquet ...     all of it again, once it was wanted

Hugging Face's `datasets` loads it as it is; `seeds` is a folder of seeds for another dataset.
Nothing in it depends on when, where or by how many workers it was made. The checksums are the seal:
they are written last, and gone as long as a picture is missing or drawn anew.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import yaml  # type: ignore[import-untyped]
from PIL import Image

from datagen.card import card
from datagen.contact import contact_sheet
from datagen.counts import Counts, count
from datagen.engines import Drawn, Source
from datagen.layout import Layout
from datagen.locks import at_work
from datagen.packing import PACKED, is_packed, pack, sweep
from datagen.pictures import jpeg
from datagen.plan import PARTS, Job, Plan
from datagen.records import Record, Records
from datagen.review.opinions import read_rejections
from datagen.rows import Row, file_name, photo_row, picture_row, seed_row
from datagen.seeds import INDEX
from datagen.settling import settle
from kith.errors import InvalidInput, Refused
from kith.files import write_whole

PLAN: Final = "plan.json"
CHECKSUMS: Final = "checksums.sha256"
DECISIONS: Final = "decisions.jsonl"
METADATA: Final = "metadata.jsonl"
CARD: Final = "README.md"
_CONTACT: Final = "contact.png"
_GIVEN: Final = "seeds"
"""The record of the pictures that were given, not drawn for a job: file to SHA-256."""
_PACKING: Final = "packed"
"""The record of the shards: the SHA-256 of the checksums of what is in them."""


class Dataset:
    """A dataset in the making. For one thread; other processes may work on it too.

    Args:
        out: Its folder; it need not exist.
    """

    def __init__(self, out: Path) -> None:
        self.out = out
        self.records = Records(out)

    @contextmanager
    def begun(
        self, plan: Plan, sources: Sequence[Source], index: int = 0, of: int = 1
    ) -> Iterator[None]:
        """The dataset, begun by this worker or another, for as long as this one makes its share.

        Plan and seeds are there then, what reviewers rejected is not. While pictures are missing,
        so are the checksums.

        Args:
            plan: What is to be made.
            sources: Its concepts.
            index: Which worker, from 0.
            of: How many there are.

        Raises:
            InvalidInput: The folder holds something else, or a dataset of another plan.
            Refused: It is cleaned or reviewed, somebody makes that share or divides the work
                otherwise, or it can't be written.
        """
        _check_ours(self.out)
        with at_work(self.out, "make"), self.records.working(index, of):
            with self.records.alone():
                settle(self.out / PLAN, plan)
                rejected = self._rejected(plan)
                seeded = self._is_seeded()
                if rejected or not seeded or not all(self.is_done(job) for job in plan.jobs):
                    (self.out / CHECKSUMS).unlink(missing_ok=True)
                if not seeded:
                    self._take(sources)
                for job, record in rejected.items():
                    # The file goes first: cut short in between, its record tells what it was.
                    self._path(job).unlink(missing_ok=True)
                    self.records.keep(job.id, record)
            yield

    def is_done(self, job: Job) -> bool:
        """Whether its picture is there, or given up."""
        record = self.records.of(job.id)
        return record.done and (record.row is None or self._path(job).is_file())

    def keep(self, job: Job, rejected: tuple[str, ...], source: str, drawn: Drawn) -> None:
        """Write a job's picture, then its record.

        Raises:
            Refused: It can't be written.
        """
        content = jpeg(drawn.image)
        write_whole(self._path(job), content)
        row = picture_row(job, len(rejected), source, drawn)
        self.records.keep(job.id, Record(rejected, row, _sha256(content)))

    def finish(self, plan: Plan, layout: Layout, *, packed: bool = False) -> Counts:
        """Write what tells of all pictures; to be called when every job is done.

        Args:
            plan: Whose jobs are done.
            layout: Its layout.
            packed: Write parquet shards beside the pictures. Where there are some already, they are
                kept as long as they hold what the dataset is, and written anew otherwise.

        Raises:
            Refused: It is cleaned or reviewed, it can't be written, or a picture is not what was
                made.
        """
        with at_work(self.out, "make"), self.records.alone():
            packed_before = is_packed(self.out)
            sweep(self.out)  # first: shards cut short may fill the disk that the rest needs
            jobs = sorted(plan.jobs, key=lambda job: PARTS.index(job.part))
            records = {job: self.records.of(job.id) for job in jobs}
            given: dict[str, str] = self.records.of(_GIVEN).row or {}
            rows = _rows(plan, records, given)
            counts = count(records, sum(file.startswith("test/") for file in given))
            told = {
                f"{folder}/{METADATA}": _json_lines(lines)
                for folder, lines in rows.items()
                if lines
            }
            told[DECISIONS] = _json_lines(_decisions(records))
            told[CARD] = card(plan, layout, counts)
            for folder in rows.keys() - {name.partition("/")[0] for name in told}:
                (self.out / folder / METADATA).unlink(missing_ok=True)
            for name, text in told.items():
                self._write(name, text.encode())
            self._write(_CONTACT, contact_sheet(self.out, rows))
            kept = {job: one.sha256 for job, one in records.items() if one.row is not None}
            pictures = given | {f"{job.part}/{file_name(job)}": one for job, one in kept.items()}
            others = [*told, PLAN, _CONTACT, f"seeds/{INDEX}"]
            seal = _checksums(self.out, pictures, others).encode()
            self._write(CHECKSUMS, seal)
            if packed or (packed_before and not self._is_packed_as(seal)):
                pack(self.out, rows, {
                    CARD: card(plan, layout, counts, packed=True).encode(),
                    _CONTACT: (self.out / _CONTACT).read_bytes(),
                })  # fmt: skip
                self.records.keep(_PACKING, Record(sha256=_sha256(seal)))
        return counts

    def _rejected(self, plan: Plan) -> dict[Job, Record]:
        """The jobs whose pictures reviewers reject, and their records without these."""
        causes = read_rejections(self.out)
        found = {}
        for job in plan.jobs if causes else ():
            record = self.records.of(job.id)
            cause = causes.get((f"{job.part}/{file_name(job)}", record.sha256))
            if cause is not None and record.row is not None:
                found[job] = Record((*record.rejected, cause))
        return found

    def _is_packed_as(self, seal: bytes) -> bool:
        """Whether the shards are whole and hold what these checksums tell."""
        held = self.records.of(_PACKING).sha256
        return (self.out / PACKED).is_dir() and held == _sha256(seal)

    def _is_seeded(self) -> bool:
        given = self.records.of(_GIVEN).row
        return given is not None and all((self.out / file).is_file() for file in given)

    def _path(self, job: Job) -> Path:
        return self.out / job.part / file_name(job)

    def _write(self, name: str, content: bytes) -> None:
        write_whole(self.out / name, content)

    def _take(self, sources: Sequence[Source]) -> None:
        """Write every seed picture and real photo, upright and without metadata."""
        given = {}
        for source in sources:
            name = source.concept.name
            for folder, pictures in (
                (f"seeds/{name}/train", source.views()),
                (f"test/real/{name}", source.photos()),
            ):
                for file, content in _numbered(folder, pictures):
                    self._write(file, content)
                    given[file] = _sha256(content)
        self._write(f"seeds/{INDEX}", _index(sources).encode())
        self.records.keep(_GIVEN, Record(row=given))


def _check_ours(out: Path) -> None:
    """Refuse a folder of something else; hidden files are what a begun dataset may consist of."""
    taken = out.exists() and not out.is_dir()
    if not taken and out.is_dir() and not (out / PLAN).exists():
        taken = any(not path.name.startswith(".") for path in out.iterdir())
    if taken:
        raise InvalidInput(
            f"out: {out} holds something else; name another folder",
            reason="FOLDER_TAKEN",
            field="out",
        )


def _rows(
    plan: Plan, records: Mapping[Job, Record], given: Mapping[str, str]
) -> dict[str, list[Row]]:
    """The lines of each folder's metadata."""
    concepts = {concept.name: concept for concept in plan.concepts}
    rows: dict[str, list[Row]] = {folder: [] for folder in ("seeds", *PARTS)}
    for job, record in records.items():
        if record.row is not None:
            rows[job.part].append(record.row)
    for file in given:
        folder, _, rest = file.partition("/")
        concept = concepts[file.split("/")[-2 if folder == "test" else 1]]
        rows[folder].append((seed_row if folder == "seeds" else photo_row)(rest, concept))
    return rows


def _decisions(records: Mapping[Job, Record]) -> Iterator[dict[str, Any]]:
    for job, record in records.items():
        for attempt, cause in enumerate(record.rejected):
            yield {"id": job.id, "attempt": attempt, "decision": "reject", "cause": cause}
        if record.row is not None:
            attempt = len(record.rejected)
            yield {"id": job.id, "attempt": attempt, "decision": "keep", "cause": ""}


def _checksums(out: Path, pictures: Mapping[str, str], others: Iterable[str]) -> str:
    """A line for each file, as `sha256sum` writes and reads them.

    Args:
        out: The dataset's folder.
        pictures: What each was when it was made.
        others: Files of which nothing is known.
    """
    lines = []
    for name in sorted([*pictures, *others]):
        found = _sha256((out / name).read_bytes())
        if pictures.get(name, found) != found:
            raise Refused(
                f"out: {out / name} is not what was made; delete it and run the same again",
                reason="PICTURE_CHANGED",
                field="out",
            )
        lines.append(f"{found}  {name}\n")
    return "".join(lines)


def _numbered(folder: str, pictures: Iterable[Image.Image]) -> Iterator[tuple[str, bytes]]:
    for number, picture in enumerate(pictures, start=1):
        yield f"{folder}/{number:02d}.jpg", jpeg(picture)


def _index(sources: Sequence[Source]) -> str:
    told = {
        source.concept.name: {
            "category": source.concept.category,
            "noun": source.concept.noun,
            "licence": source.concept.licence,
        }
        | ({"alike": source.concept.alike} if source.concept.alike else {})
        for source in sources
    }
    text: str = yaml.safe_dump(told, allow_unicode=True, sort_keys=False)
    return text


def _json_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
