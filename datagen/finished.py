"""A dataset that is made, opened again to be looked through."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datagen.dataset import CHECKSUMS, METADATA, PLAN
from datagen.locks import Command, at_work
from datagen.pictures import pictures_in
from datagen.plan import PARTS, Plan
from datagen.rows import Row
from kith.errors import InvalidInput


@dataclass(frozen=True)
class Finished:
    """A dataset whose pictures are all made."""

    out: Path
    plan: Plan
    rows: Mapping[str, Row]
    """The metadata of each drawn picture by its file, as in "train/0001.jpg"."""

    def views(self, concept: str) -> list[Path]:
        """The seed pictures of a concept, the reference first.

        Raises:
            InvalidInput: They are gone.
        """
        return pictures_in(self.out / "seeds" / concept / "train", "out")


@contextmanager
def opened_for(command: Command, out: Path) -> Iterator[Finished]:
    """The dataset in a folder, for a command that nobody gets in the way of meanwhile.

    Raises:
        InvalidInput: There is none, or it is not finished.
        Refused: It is being made, cleaned or reviewed, or the folder can't be written.
    """
    open_finished(out)  # nothing is written into a folder of something else
    with at_work(out, command):
        yield open_finished(out)


def open_finished(out: Path) -> Finished:
    """The dataset in a folder.

    Raises:
        InvalidInput: There is none, or it is not finished.
    """
    try:
        plan = Plan.from_json((out / PLAN).read_text(encoding="utf-8"))
        lines = {part: _lines(out / part / METADATA) for part in PARTS}
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"out: {out} holds no dataset; make one with kith datagen make --out",
            reason="DATASET_MISSING",
            field="out",
        ) from error
    rows = {
        f"{part}/{row['file_name']}": row
        for part in PARTS
        for row in lines[part]
        if row["source"] != "real"
    }
    files = [CHECKSUMS, *rows]
    if not rows or not all((out / file).is_file() for file in files):
        raise InvalidInput(
            f"out: the dataset in {out} is not finished; end it with the command in its README.md",
            reason="DATASET_UNFINISHED",
            field="out",
        )
    return Finished(out, plan, rows)


def _lines(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
