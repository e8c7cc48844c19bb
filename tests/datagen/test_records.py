"""A record that is damaged is none: its picture is drawn again."""

from pathlib import Path

import pytest

from datagen.records import WORK, Record, Records


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"rejected": [', b"null", b"{}"])
def test_a_damaged_record_is_as_none(content: bytes, tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.keep("train/0011", Record(("blurred",)))
    assert records.of("train/0011") == Record(("blurred",))
    (tmp_path / WORK / "train" / "0011.json").write_bytes(content)
    assert records.of("train/0011") == Record()
