"""A dataset that is made, opened again to be looked through."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from datagen.card import making_command
from datagen.dataset import CHECKSUMS, METADATA, PLAN
from datagen.locks import WORK, Command, at_work
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
        folder = self.out / "seeds" / concept / "train"
        if not folder.is_dir():
            raise _unfinished(self.out, self.plan, "out", f"{folder} is missing")
        return pictures_in(folder, "out")


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


def open_finished(out: Path, field: str = "out") -> Finished:
    """The dataset in a folder.

    Args:
        out: Its folder.
        field: What the caller calls it, for the error.

    Raises:
        InvalidInput: There is none, or it is not finished.
    """
    try:
        plan = Plan.from_json((out / PLAN).read_text(encoding="utf-8"))
        lines = {part: _lines(out / part / METADATA) for part in PARTS}
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"{field}: {out} holds no dataset; name the folder of one, or make one with "
            "kith datagen make",
            reason="DATASET_MISSING",
            field=field,
        ) from error
    rows = {
        f"{part}/{row['file_name']}": row
        for part in PARTS
        for row in lines[part]
        if row["source"] != "real"
    }
    for file in (CHECKSUMS, *rows):
        if not (out / file).is_file():
            raise _unfinished(out, plan, field, f"{file} is missing")
    if not rows:
        raise _unfinished(out, plan, field, "no picture is there")
    return Finished(out, plan, rows)


def keep_apart(out: Path) -> None:
    """Refuse to write something else into the folder of a dataset, or below it.

    Raises:
        InvalidInput: `out` is such a folder.
    """
    for folder in (out.resolve(), *out.resolve().parents):
        begun = (folder / WORK).is_dir() or (folder / CHECKSUMS).is_file()
        if begun and (folder / PLAN).is_file():
            raise InvalidInput(
                f"out: {out} belongs to the dataset in {folder}; name a folder apart from it, as "
                f"in {folder.name}-material",
                reason="FOLDER_TAKEN",
                field="out",
            )


def _unfinished(out: Path, plan: Plan, field: str, why: str) -> InvalidInput:
    return InvalidInput(
        f"{field}: the dataset in {out} is not finished, {why}; end it with "
        f"{making_command(plan, str(out))}",
        reason="DATASET_UNFINISHED",
        field=field,
    )


def _lines(path: Path) -> list[Row]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
