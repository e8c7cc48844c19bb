"""Hugging Face's own `datasets` loads a dataset, as a folder and as parquet shards."""

import errno
from pathlib import Path
from typing import Any, Protocol

import pytest

from datagen import packing
from datagen.plan import PARTS
from datagen.review.opinions import Opinion, Picture, write_opinion
from kith.cli import main
from kith.errors import Refused
from kith.files import write_whole
from tests.datagen.small import commission, finish
from tests.datagen.test_dataset import lines, own

__all__ = ["own"]  # a fixture


class Load(Protocol):
    """Loads a configuration of a dataset."""

    def __call__(self, folder: Path, name: str | None = None) -> Any: ...  # noqa: ANN401


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    from datasets import load_dataset

    return lambda folder, name=None: load_dataset(
        str(folder), name, cache_dir=str(tmp_path / "cache")
    )


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    ordered = commission(tmp_path_factory.mktemp("packed") / "out")
    finish(ordered)
    ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    return ordered.dataset.out


def test_a_folder_loads_as_it_is(made: Path, load: Load) -> None:
    loaded = load(made)
    for part in PARTS:
        told = lines(made / part / "metadata.jsonl")
        assert [row["caption"] for row in loaded[part]] == [row["caption"] for row in told]
        assert loaded[part][0]["subjects"] == told[0]["subjects"]
        assert loaded[part][0]["image"].size == (320, 320)
    assert len(load(made, "seeds")["train"]) == len(lines(made / "seeds" / "metadata.jsonl"))


def test_real_photos_load_beside_the_drawn_ones(own: Path, load: Load) -> None:
    sources = load(own)["test"]["source"]
    assert sources.count("real") == 4
    assert len(sources) > 4


def test_parquet_shards_hold_the_same(packed: Path, load: Load) -> None:
    folder, shards = load(packed), load(packed / packing.PACKED)
    assert set(shards) == set(folder)
    for part in shards:
        assert shards[part].features == folder[part].features
        for one, other in zip(shards[part], folder[part], strict=True):
            assert one["image"].tobytes() == other["image"].tobytes()
            assert {**one, "image": 0} == {**other, "image": 0}
    seeds = load(packed / packing.PACKED, "seeds")["train"]
    assert seeds["concept"] == load(packed, "seeds")["train"]["concept"]


def test_many_pictures_lie_in_several_shards(
    packed: Path, tmp_path: Path, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SHARD_BYTES", 40_000)
    ordered = commission(tmp_path / "out")
    finish(ordered)
    ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    assert len(list((tmp_path / "out" / packing.PACKED).glob("train-*.parquet"))) > 1
    assert len(load(tmp_path / "out" / packing.PACKED)["train"]) == len(load(packed)["train"])


def first_packed(out: Path, cache: Path) -> tuple[int, bytes]:
    """Attempt and bytes of the first picture of the shards. `datasets` reads a path only once."""
    from datasets import Dataset, Image

    shard = str(out / packing.PACKED / "train-00000-of-00001.parquet")
    rows = Dataset.from_parquet(shard, cache_dir=str(cache))
    first = rows.cast_column("image", Image(decode=False))[0]
    return first["attempt"], first["image"]["bytes"]


def written(out: Path) -> dict[str, int]:
    """The files of the shards, and when each was written."""
    return {path.name: path.stat().st_mtime_ns for path in (out / packing.PACKED).iterdir()}


def test_shards_are_left_alone_while_they_hold_what_the_dataset_is(packed: Path) -> None:
    before = written(packed)
    finish(commission(packed))
    (packed / "train" / "0001.jpg").unlink()  # it is drawn again, to the same bytes
    finish(commission(packed))
    assert written(packed) == before != {}


def test_shards_of_what_is_no_more_are_written_anew(tmp_path: Path) -> None:
    out = tmp_path / "out"
    ordered = commission(out)
    finish(ordered)
    ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    picture = out / "train" / "0001.jpg"
    assert first_packed(out, tmp_path / "before") == (0, picture.read_bytes())
    sha256 = ordered.dataset.records.of("train/0001").sha256
    write_opinion(out, Picture("train/0001.jpg", sha256), "ann", Opinion("reject", "BLURRED"))
    finish(commission(out))
    assert first_packed(out, tmp_path / "after") == (1, picture.read_bytes())


def test_shards_stay_until_those_that_take_their_place_are_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = commission(tmp_path / "out", limit=2)
    finish(ordered)
    ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    before = written(tmp_path / "out")

    def fail(dataset: object, path: Path) -> None:
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr("datasets.Dataset.to_parquet", fail)
    with pytest.raises(Refused, match="disk full; make room and run it again with --pack"):
        ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    assert written(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("failure", "told"),
    [(OSError(errno.ENOSPC, "disk full"), Refused), (MemoryError(), MemoryError)],
    ids=["disk", "memory"],
)
def test_shards_cut_short_leave_nothing_that_fills_the_disk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
    told: type[BaseException],
) -> None:
    ordered = commission(tmp_path / "out", limit=2)
    finish(ordered)

    def write(dataset: object, path: Path) -> None:
        path.write_bytes(b"half a sha")
        raise failure

    monkeypatch.setattr("datasets.Dataset.to_parquet", write)
    with pytest.raises(told):
        ordered.dataset.finish(ordered.plan, ordered.layout, packed=True)
    assert not (ordered.dataset.out / f".{packing.PACKED}").exists()
    assert not (ordered.dataset.out / packing.PACKED).exists()


def test_shards_a_killed_run_left_go_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered = commission(tmp_path / "out", limit=2)
    finish(ordered)
    left = ordered.dataset.out / f".{packing.PACKED}"
    left.mkdir()
    (left / "train-00000-of-00001.parquet").touch()

    def write(path: Path, content: bytes) -> None:
        assert not left.exists()
        write_whole(path, content)

    monkeypatch.setattr("datagen.dataset.write_whole", write)
    ordered.dataset.finish(ordered.plan, ordered.layout)
    assert not left.exists()


def test_the_command_packs(tmp_path: Path, load: Load) -> None:
    out = tmp_path / "out"
    command = ["datagen", "make", "--engine", "playroom", "--split", "msbench", "--limit", "3"]
    assert main([*command, "--pack", "--out", str(out)]) == 0
    assert sum(map(len, load(out / packing.PACKED).values())) == 3
