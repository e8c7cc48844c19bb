from pathlib import Path

import pytest

from kith.errors import Refused
from kith.files import write_whole


def test_a_file_is_replaced_and_its_folders_are_made(tmp_path: Path) -> None:
    file = tmp_path / "some" / "folder" / "file"
    for content in (b"first", b"second"):
        write_whole(file, content)
        assert file.read_bytes() == content
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    for target in (tmp_path / "file" / "inside", tmp_path / "folder"):
        with pytest.raises(Refused, match=rf"can't write {target}: .*; make room or name another"):
            write_whole(target, b"")
    assert not list(tmp_path.rglob("*.part"))
