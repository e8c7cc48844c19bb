import os
from pathlib import Path

import pytest

from kith.channel import MAX_MESSAGE_BYTES
from kith.errors import InvalidInput
from kith.photos import photo_bytes


def test_bytes_and_paths_and_their_names_are_photos(photo: Path) -> None:
    assert photo_bytes(b"x") == b"x"
    assert photo_bytes(photo) == photo_bytes(str(photo)) == b"a photo"


@pytest.mark.parametrize("what", ["missing", "folder"])
def test_what_cannot_be_read_is_named(what: str, tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    if what == "folder":
        path.mkdir()
    with pytest.raises(InvalidInput, match=r"can't read .*x\.png") as caught:
        photo_bytes(path)
    assert (caught.value.reason, caught.value.field) == ("FILE_UNREADABLE", "image")


def test_a_file_larger_than_a_message_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    path.touch()
    os.truncate(path, MAX_MESSAGE_BYTES + 1)
    with pytest.raises(InvalidInput, match="send a smaller photo"):
        photo_bytes(path)


def test_an_empty_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.touch()
    with pytest.raises(InvalidInput, match=r"x\.png is empty"):
        photo_bytes(path)
