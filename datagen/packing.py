"""The same dataset as parquet shards, the form in which a hub streams it to `datasets`."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from datagen.rows import Row
from kith.errors import Refused

PACKED: Final = "packed"
"""The folder of the shards: a dataset of its own, to be put on a hub as it is."""
SHARD_BYTES: Final = 256 * 1024 * 1024
"""Of pictures in one shard."""


def pack(out: Path, rows: Mapping[str, Sequence[Row]], beside: Mapping[str, bytes]) -> None:
    """Write `OUT/packed/PART-00000-of-00001.parquet` and so on, in place of any that are there.

    Those are there until the new ones are whole.

    Args:
        out: A dataset's folder.
        rows: The lines of the metadata of each of its parts.
        beside: Further files of the folder, by name.

    Raises:
        Refused: It can't be written.
    """
    # Slow to import, and nobody else needs it.
    from datasets import Dataset, Image
    from datasets.utils import disable_progress_bars

    disable_progress_bars()
    sweep(out)
    partial = _partial(out)
    try:
        partial.mkdir()
        for part, lines in rows.items():
            shards = _shards(out / part, lines)
            for number, shard in enumerate(shards):
                pictures = [_with_picture(out / part, line) for line in shard]
                packed = Dataset.from_list(pictures).cast_column("image", Image())
                packed.to_parquet(partial / f"{part}-{number:05d}-of-{len(shards):05d}.parquet")
        for name, content in beside.items():
            (partial / name).write_bytes(content)
        shutil.rmtree(out / PACKED, ignore_errors=True)
        partial.rename(out / PACKED)
    except OSError as error:
        raise Refused(
            f"out: can't write {out / PACKED}: {error.strerror}; make room and run it again "
            "with --pack",
            reason="FILE_UNWRITABLE",
            field="out",
        ) from error
    finally:
        # What was cut short would keep full the disk that the next try needs.
        shutil.rmtree(partial, ignore_errors=True)


def is_packed(out: Path) -> bool:
    """Whether a dataset has shards, or somebody was killed writing them."""
    return (out / PACKED).exists() or _partial(out).exists()


def sweep(out: Path) -> None:
    """Take away what a process that was killed has left of shards."""
    shutil.rmtree(_partial(out), ignore_errors=True)


def _partial(out: Path) -> Path:
    return out / f".{PACKED}"


def _shards(folder: Path, lines: Sequence[Row]) -> list[list[Row]]:
    shards: list[list[Row]] = [[]] if lines else []
    size = 0
    for line in lines:
        more = (folder / line["file_name"]).stat().st_size
        if shards[-1] and size + more > SHARD_BYTES:
            shards.append([])
            size = 0
        shards[-1].append(line)
        size += more
    return shards


def _with_picture(folder: Path, line: Row) -> Row:
    file = line["file_name"]
    picture = {"bytes": (folder / file).read_bytes(), "path": file}
    return {
        "image": picture,
        **{name: value for name, value in line.items() if name != "file_name"},
    }
