"""The example that orders from a running service: with seeds that it uploads, and without."""

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from examples import datagen_client
from kith.v1 import datagen_pb2
from tests.datagen.msdiffusion.tiny import write_models
from tests.datagen.service.test_killed import server
from tests.datagen.small import small_layout, write_seeds

PROGRAM = Path(datagen_client.__file__)


@contextmanager
def serving(root: Path, **settings: Path) -> Iterator[str]:
    (root.parent / "few").mkdir()
    small_layout(root.parent / "few")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(f"KITH_{name.upper()}", str(value))
        with server(root, root.parent / "few") as (_, address):
            yield address


def run(*arguments: object, token: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)],
        env=os.environ | {"KITH_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
    )


def names_in(out: Path) -> set[str]:
    with zipfile.ZipFile(out) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def test_seeds_are_uploaded_and_what_ms_diffusion_makes_of_them_comes_back(
    root: Path, tmp_path: Path
) -> None:
    write_seeds(tmp_path / "seeds", ["bo", "ada"])
    (tmp_path / "seeds" / "metadata.jsonl").touch()  # as in the seeds of a dataset
    out = tmp_path / "first.zip"
    with serving(root, models=write_models(tmp_path / "models")) as address:
        done = run(address, out, "--split", "small", "--seeds", tmp_path / "seeds", "--limit", 3)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.startswith("Uploaded users/")
        assert f"3 of 3 pictures\nWrote {out}\n" in done.stdout
    assert {"train/0001.jpg", "seeds/bo/train/01.jpg", "README.md"} <= names_in(out)


def test_without_seeds_playroom_draws_and_what_goes_wrong_is_one_line(
    root: Path, tmp_path: Path
) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text(f"ann {hashlib.sha256(b'mine').hexdigest()}\n", encoding="utf-8")
    out = tmp_path / "first.zip"
    with serving(root, tokens_file=tokens) as address:
        done = run(address, out, "--split", "small", "--limit", 3, token="mine")
        assert (done.returncode, done.stderr) == (0, "")
        for arguments, token, said in (
            ((out, "--split", "small"), "theirs", "token"),
            ((out, "--split", "small"), "mine", "dataset_id: first is a dataset with other"),
            ((tmp_path / "First.zip", "--split", "small"), "mine", "dataset_id: 'First' does not"),
            ((tmp_path / "x.zip", "--split", "zork"), "mine", "split: there is no layout 'zork'"),
        ):
            done = run(address, *arguments, token=token)
            assert (done.returncode, done.stderr.count("\n")) == (1, 1)
            assert said in done.stderr
    assert "multi/0001.jpg" in names_in(out)
    assert not list(tmp_path.glob(".*.part"))


def test_an_upload_is_cut_into_messages_of_a_mebibyte(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * (2**21 + 1))
    with (tmp_path / "file").open("rb") as file:
        first, *rest = datagen_client.pieces(file)
    assert first == datagen_pb2.UploadSeedSetRequest(header={"parent": "users/me"})
    assert [len(one.chunk) for one in rest] == [2**20, 2**20, 1]
