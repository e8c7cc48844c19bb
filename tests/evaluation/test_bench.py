import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from datagen import playroom
from evaluation import bench
from evaluation.bench import strangers
from evaluation.bench.__main__ import main
from evaluation.bench.crowd import Crowd, look_of
from evaluation.bench.splits import identities_apart, layout_of
from evaluation.check import counts, problems
from evaluation.datasets import read
from kith.errors import InvalidInput


def quiet(part: str, done: int, of: int) -> None:
    assert done <= of, part


def sums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".work" not in path.parts
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The quick one, with less beside its splits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bench, "_QUICK", bench._Size(outside=11, distractors=25, original=2))
        folder = tmp_path_factory.mktemp("bench") / "small"
        datasets = bench.build(folder, quick=True, progress=quiet)
        assert datasets == [folder / name for name in ("yollava", "msbench", "original")]
        yield folder


@pytest.mark.parametrize(("split", "together"), [("yollava", 2), ("msbench", 3)])
def test_a_split_is_whole(small: Path, split: str, together: int) -> None:
    dataset = read(small / split, outside=small / "outside", outside_multi=small / "outside-multi")
    counted = counts(dataset)
    assert problems(dataset) == []
    assert counted["concepts"] == 8
    assert counted["views"] == 80
    assert (counted["singles"], counted["multis"]) == (24, 12)
    assert (counted["outside"], counted["outside_multi"]) == (11, 11)
    assert counted["positives"] == 24 + 12 * (together + 1)
    assert counted["negatives"] == 24 * 7 + 2 * 11 * 8
    assert counted["boxes"] == 24 + 12 * together
    assert counted["questions"] > 100
    assert Counter(name for photo in dataset.singles for name in photo.concepts) == {
        concept.name: 3 for concept in dataset.concepts
    }
    by_name = dataset.by_name
    for concept in dataset.concepts:
        (other,) = concept.alike
        assert by_name[other].alike == {concept.name}
        assert by_name[other].category == concept.category


def test_names_are_there_once(small: Path) -> None:
    named = [
        concept.name
        for part in ("yollava", "msbench", "distractors")
        for concept in read(small / part).concepts
    ]
    assert len(named) == len(set(named)) == 8 + 8 + 25


def test_original_pictures_show_half_of_the_same_concepts(small: Path) -> None:
    original = read(small / "original")
    splits = [read(small / split) for split in ("yollava", "msbench")]
    concepts = [concept for split in splits for concept in split.concepts][::2]
    names = {concept.name for concept in concepts}
    for mine, theirs in zip(original.concepts, concepts, strict=True):
        assert (mine.name, mine.category) == (theirs.name, theirs.category)
        assert mine.alike >= theirs.alike & names
        assert mine.alike <= names
        assert [path.read_bytes() for path in mine.views] == [
            path.read_bytes() for path in theirs.views
        ]
    assert len(original.singles) == len(original.photos) == 2 * 8
    pictures = {photo.path.read_bytes() for photo in original.photos}
    others = {photo.path.read_bytes() for split in splits for photo in split.photos}
    assert len(pictures) == 16
    assert not pictures & others


def test_distractors_can_be_remembered(small: Path) -> None:
    distractors = read(small / "distractors")
    kinds = {concept.category for concept in distractors.concepts}
    assert kinds == set(playroom.CATEGORIES)
    assert all(len(concept.views) == 1 for concept in distractors.concepts)
    assert not any(problem for problem in problems(distractors) if "there is no" not in problem)
    assert sum(path.stat().st_size for path in (small / "distractors").iterdir()) < 25 * 20_000


def test_nobody_outside_looks_like_anybody() -> None:
    layout = layout_of("msbench", True, "test")
    _, known = identities_apart(layout, (), "test")
    crowd = Crowd(known, "test")
    further = [crowd.next("forest") for _ in range(300)]
    looks = [tuple(one.drawn.attributes.items()) for one in (*known, *further)]
    assert len(set(looks)) == len(looks)
    assert len({one.name for one in (*known, *further)}) == len(looks)
    assert {one.drawn.split for one in further} == {"test"}


def test_half_of_those_alone_outside_are_of_the_kinds_remembered() -> None:
    held = {"dog", "cup"}
    crowd = Crowd((), "test")
    chosen: list[str] = []
    take = crowd.next
    crowd.next = lambda kind: chosen.append(kind) or take(kind)  # type: ignore[method-assign,func-returns-value]
    strangers.alone(20, held, crowd)
    assert Counter(kind in held for kind in chosen) == {True: 10, False: 10}


def test_the_full_splits_share_no_name_and_no_look() -> None:
    known = []
    for split in bench.SPLITS:
        _, found = identities_apart(layout_of(split, False, "test"), known, "test")
        known += found
    assert len(known) == len({one.name for one in known}) == 80
    assert len({tuple(one.drawn.attributes.values()) for one in known}) == 80


def test_what_was_stopped_goes_on(small: Path, tmp_path: Path) -> None:
    """Pictures of every part are gone, the manifests with them; the bytes are the same again."""
    again = tmp_path / "again"
    shutil.copytree(small, again)
    for part in ("outside", "outside-multi", "distractors", "original"):
        for path in sorted((again / part).rglob("*.*"))[::3]:
            path.unlink()
    shutil.rmtree(again / "msbench")
    bench.build(again, quick=True, progress=quiet)
    assert sums(again) == sums(small)


def test_what_is_there_is_not_drawn_again(small: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.rglob("*.jpg")}
    bench.build(small, quick=True, progress=quiet)
    assert {path: path.stat().st_mtime_ns for path in small.rglob("*.jpg")} == before


def test_another_bench_is_not_made_over_it(small: Path) -> None:
    with pytest.raises(InvalidInput, match=r"holds another bench, see .*bench\.json; name another"):
        bench.build(small, quick=True, progress=quiet, identities="validation")


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    with pytest.raises(InvalidInput, match="holds something else; name another"):
        bench.build(tmp_path, quick=True, progress=quiet)


def test_identities_for_tuning_are_others() -> None:
    looks = {}
    for whose in ("test", "validation"):
        _, found = identities_apart(layout_of("yollava", True, whose), (), whose)  # type: ignore[arg-type]
        assert {one.drawn.split for one in found} == {whose}
        looks[whose] = {tuple(one.drawn.attributes.values()) for one in found}
    assert not looks["test"] & looks["validation"]


def test_another_seed_draws_others_of_the_same() -> None:
    layout = layout_of("yollava", True, "test")
    drawn = [identities_apart(layout, (), "test", seed)[1] for seed in (0, 1)]
    strangers = [
        [Crowd(one, "test", seed).next("dog") for _ in "12"] for seed, one in enumerate(drawn)
    ]
    for first, second in (drawn, strangers):
        assert {one.drawn.split for one in second} == {"test"}
        assert not {look_of(one) for one in first} & {look_of(one) for one in second}


def test_the_command_prints_the_datasets(
    small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(small), "--quick"]) == 0
    out = capsys.readouterr()
    assert out.out.splitlines() == [str(small / name) for name in (*bench.SPLITS, "original")]
    assert "outside: 11 of 11" in out.err
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    assert main([str(tmp_path), "--quick"]) == 1
    assert capsys.readouterr().err.startswith(f"bench: folder: {tmp_path} holds something else")
