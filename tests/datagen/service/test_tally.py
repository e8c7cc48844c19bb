"""How far a dataset is, counted from its records while they change."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from datagen.records import Record, Records
from datagen.service.tally import Tally


def test_a_record_that_goes_as_it_is_counted_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        Records(tmp_path).keep(f"train/{number:04}", Record(("blurred",)))
    glob = Path.glob

    def as_one_goes(folder: Path, pattern: str) -> Iterator[Path]:
        found = sorted(glob(folder, pattern))
        if len(found) == 4:
            found[1].unlink()
        return iter(found)

    monkeypatch.setattr(Path, "glob", as_one_goes)
    assert Tally(tmp_path).look().rejected == {"blurred": 3}
