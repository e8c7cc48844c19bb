"""A journal keeps what was added to it, whatever tears."""

from pathlib import Path

import pytest

from datagen.journal import append, read_journal
from kith.errors import Refused


def test_entries_come_back_in_order_and_none_from_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "log.jsonl"
    assert read_journal(path) == []
    for number in range(3):
        append(path, {"number": number, "name": "zoë"})
    assert [entry["number"] for entry in read_journal(path)] == [0, 1, 2]
    assert read_journal(path)[0]["name"] == "zoë"


@pytest.mark.parametrize("torn", [b'{"number": 1', b"\xff\xfe", b"[1]", b"\n"])
def test_a_torn_last_line_is_left_out_and_harms_nothing_after_it(
    tmp_path: Path, torn: bytes
) -> None:
    path = tmp_path / "log.jsonl"
    append(path, {"number": 0})
    path.write_bytes(path.read_bytes() + torn)
    assert [entry["number"] for entry in read_journal(path)] == [0]
    append(path, {"number": 2})
    assert [entry["number"] for entry in read_journal(path)] == [0, 2]


def test_what_can_not_be_written_or_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="can't write"):
        append(tmp_path, {"number": 0})
    with pytest.raises(Refused, match="can't read"):
        read_journal(tmp_path)
