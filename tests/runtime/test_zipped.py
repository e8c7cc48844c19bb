import io
import zipfile
from pathlib import Path

import pytest

from kith.errors import NotFound
from services.runtime.zipped import PIECE_BYTES, zipped


def test_a_folder_comes_in_pieces_without_hidden_files(tmp_path: Path) -> None:
    (tmp_path / "a" / ".locks").mkdir(parents=True)
    (tmp_path / "a" / ".locks" / "all").touch()
    (tmp_path / "a" / "text.jsonl").write_text("/secret/place/x\n" * 9)
    (tmp_path / "a" / "big.png").write_bytes(bytes(range(256)) * 12_000)
    (tmp_path / ".hidden").write_text("no")
    pieces = list(zipped(tmp_path, hidden=[b"/secret/"]))
    assert [len(piece) for piece in pieces[:-1]] == [PIECE_BYTES] * (len(pieces) - 1)
    assert len(pieces) > 2
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["a/big.png", "a/text.jsonl"]
        assert archive.read("a/text.jsonl") == b"place/x\n" * 9
        sizes = {one.filename: (one.compress_size, one.file_size) for one in archive.infolist()}
    assert sizes["a/big.png"][0] == sizes["a/big.png"][1]
    assert sizes["a/text.jsonl"][0] < sizes["a/text.jsonl"][1]


def test_the_same_folder_is_the_same_file(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("b")
    first = b"".join(zipped(tmp_path))
    (tmp_path / "b").touch()
    assert b"".join(zipped(tmp_path)) == first


def test_what_is_deleted_meanwhile_is_told(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(bytes(2 * PIECE_BYTES))
        (tmp_path / name).rename(tmp_path / f"{name}.png")
    pieces = zipped(tmp_path)
    next(pieces)
    (tmp_path / "b.png").unlink()
    with pytest.raises(NotFound):
        list(pieces)
