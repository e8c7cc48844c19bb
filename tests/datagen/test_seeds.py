import os
import shutil
import unicodedata
from pathlib import Path

import pytest
import yaml
from PIL import Image

from datagen.seeds import NO_LICENCE, read_seeds
from kith.errors import InvalidInput
from tests.datagen.small import described, small_layout, write_seeds


def refused(folder: Path, tmp_path: Path) -> str:
    with pytest.raises(InvalidInput) as caught:
        read_seeds(folder, small_layout(tmp_path))
    assert caught.value.field == "seeds"
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_seeds(tmp_path / "seeds", ["bo", "ada"], photos=1)
    return tmp_path / "seeds"


def tell(folder: Path, **entries: object) -> None:
    (folder / "concepts.yaml").write_text(yaml.safe_dump(entries), "utf-8")


def test_seeds_come_by_category_then_name_with_their_pictures(folder: Path, tmp_path: Path) -> None:
    (folder / ".hidden").mkdir()
    tell(folder, bo={"category": "pet", "licence": "CC0-1.0"}, ada={"category": "object"})
    bo, ada = read_seeds(folder, small_layout(tmp_path))
    assert described([bo, ada]) == [("bo", "pet"), ("ada", "object")]
    assert (bo.concept.noun, bo.concept.licence) == ("pet", "CC0-1.0")
    assert ada.concept.licence == NO_LICENCE
    assert [path.name for path in bo.train] == ["0.png", "1.png"]
    assert [picture.size for picture in (*bo.views(), *bo.photos())] == [(12, 8)] * 3


def test_another_picture_is_another_fingerprint(folder: Path, tmp_path: Path) -> None:
    def prints() -> list[str]:
        return [one.concept.fingerprint for one in read_seeds(folder, small_layout(tmp_path))]

    before = prints()
    assert prints() == before
    Image.new("RGB", (9, 9)).save(folder / "bo" / "test" / "0.png")
    assert [one == other for one, other in zip(before, prints(), strict=True)] == [True, False]


def test_a_broken_picture_is_named(folder: Path, tmp_path: Path) -> None:
    path = folder / "bo" / "train" / "1.png"
    path.write_bytes(path.read_bytes()[:45])
    assert f"can't read {path}: " in refused(folder, tmp_path)


def test_a_picture_of_too_many_pixels_is_named_with_the_limit(folder: Path, tmp_path: Path) -> None:
    path = folder / "bo" / "train" / "1.png"
    Image.new("1", (20_000, 10_000)).save(path)
    said = refused(folder, tmp_path)
    assert f"can't read {path}: Image size (200000000 pixels) exceeds limit of 178956970" in said


@pytest.mark.parametrize("part", ["train", "test"])
def test_an_empty_folder_is_named(part: str, folder: Path, tmp_path: Path) -> None:
    for path in (folder / "bo" / part).iterdir():
        path.unlink()
    assert f"{folder / 'bo' / part} holds no picture" in refused(folder, tmp_path)


@pytest.mark.parametrize("twin", ["Zoë", unicodedata.normalize("NFD", "zoë")])
def test_two_concepts_of_one_name_are_both_named(twin: str, tmp_path: Path) -> None:
    write_seeds(tmp_path / "seeds", [unicodedata.normalize("NFC", "zoë"), twin])
    tell(tmp_path / "seeds", zoë={"category": "pet"})
    said = refused(tmp_path / "seeds", tmp_path)
    assert "are one name; rename one of the two folders" in said
    assert said.count("zoë") + said.count("Zoë") == 2


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"bo": {"category": "pet"}}, "nothing is told of 'ada'; write a line such as 'ada: {"),
        ({"bo": {"category": "cow"}, "ada": {"category": "pet"}}, "bo: category: 'cow' is unknown"),
        ({"bo": {}, "ada": {"category": "pet"}}, "category: '' is unknown; give one of pet, "),
        ({"bo": {"category": "pet", "noun": 3}, "ada": {"category": "pet"}}, "noun: 3 is not a"),
        ({"bo": {"kind": "pet"}, "ada": {"category": "pet"}}, "{'kind': 'pet'} is not of the form"),
        ({"cy": {"category": "pet"}}, "'cy' has no folder; add cy/train or take the entry out"),
    ],
)
def test_an_index_that_does_not_fit_names_entry_and_value(
    entries: dict[str, object], said: str, folder: Path, tmp_path: Path
) -> None:
    tell(folder, **entries)
    assert said in refused(folder, tmp_path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"bo: {", "can't be read: "),
        (b"\xff", "can't be read: "),
        (b"- 1", "[1] is not 'NAME: {category: ...}' lines"),
        (b"bo: {}\nada: {}\nbo: {}", "can't be read: line 3: 'bo' stands in line 1 already; mend"),
        (b"bo:\n  noun: dog\n  noun: cat", "can't be read: line 3: 'noun' stands in line 2 alr"),
        ("zo\u00eb: {}\nzoe\u0308: {}".encode(), "can't be read: line 2: 'zoë' stands in line 1"),
        (b"[" * 9999, "can't be read: it is nested too deeply"),
        (b"bo: {category: 2024-13-45}", "can't be read: month must be in 1..12"),
        (b"bo: !!bool maybe", "can't be read: 'maybe'"),
    ],
)
def test_an_index_that_cannot_be_read_is_told_in_one_line(
    content: bytes, said: str, folder: Path, tmp_path: Path
) -> None:
    (folder / "concepts.yaml").write_bytes(content)
    assert f"concepts.yaml: {said}" in refused(folder, tmp_path)


def test_an_index_that_unfolds_to_more_than_memory_holds_is_told_in_short(
    folder: Path, tmp_path: Path
) -> None:
    tenfold = ", ".join(f"&a{n + 1} [{', '.join([f'*a{n}'] * 10)}]" for n in range(12))
    index = f"ada: {{category: pet}}\nbo: [&a0 [x], {tenfold}]"
    (folder / "concepts.yaml").write_text(index, "utf-8")
    said = refused(folder, tmp_path)
    assert "bo: [['x'], [['x'], " in said
    assert len(said) < 400


def test_an_index_that_merges_keys_is_refused_before_it_fills_memory(
    folder: Path, tmp_path: Path
) -> None:
    tenfold = ", ".join(f"&a{n + 1} {{<<: [{', '.join([f'*a{n}'] * 10)}]}}" for n in range(12))
    (folder / "concepts.yaml").write_text(f"bo: [&a0 {{x: y}}, {tenfold}]", "utf-8")
    assert "can't be read: line 1: could not determine a constructor" in refused(folder, tmp_path)


def test_a_folder_that_is_none_of_seeds_says_what_is_missing(tmp_path: Path) -> None:
    assert "is no folder" in refused(tmp_path / "nowhere", tmp_path)
    (tmp_path / "bare").mkdir()
    assert "has no concepts.yaml; write one with lines such as" in refused(
        tmp_path / "bare", tmp_path
    )
    tell(tmp_path / "bare")
    assert "holds no concept; add folders such as bo/train" in refused(tmp_path / "bare", tmp_path)


@pytest.mark.parametrize("name", ["b<o", "a" * 65, "a\x07b"])
def test_a_name_that_could_break_a_prompt_is_refused(
    name: str, folder: Path, tmp_path: Path
) -> None:
    (folder / name).mkdir()
    assert "is no name; rename the folder" in refused(folder, tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("IMG_1.heic", "is of a kind that can't be read"),
        ("IMG_1.HEIC", "is of a kind that can't be read"),
        ("dance.gif", "is of a kind that can't be read"),
        ("deeper/scan.tiff", "is of a kind that can't be read"),
    ],
)
@pytest.mark.parametrize("part", ["train", "test"])
def test_a_photo_of_another_kind_is_not_left_out_in_silence(
    part: str, name: str, said: str, folder: Path, tmp_path: Path
) -> None:
    path = folder / "bo" / part / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"pixels")
    then = "put a JPEG, PNG or WebP picture there, or take it out"
    assert refused(folder, tmp_path) == f"seeds: {path} {said}; {then}"


def test_what_only_looks_like_a_picture_is_named(folder: Path, tmp_path: Path) -> None:
    train = folder / "bo" / "train"
    (train / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert f"{train / 'lost.jpg'} leads nowhere; put a" in refused(folder, tmp_path)
    (train / "lost.jpg").unlink()
    (train / "lost").symlink_to(tmp_path / "nowhere")
    assert f"{train / 'lost'} leads nowhere; put a" in refused(folder, tmp_path)
    (train / "lost").unlink()
    (train / "day.jpg").mkdir()
    assert f"{train / 'day.jpg'} is a folder or leads to one; put a" in refused(folder, tmp_path)
    (train / "day.jpg").rmdir()
    (train / "more").symlink_to(folder / "ada")
    assert f"{train / 'more'} is a folder or leads to one; put a" in refused(folder, tmp_path)
    (train / "more").unlink()
    shutil.rmtree(folder / "bo" / "test")
    (folder / "bo" / "test").symlink_to(tmp_path / "nowhere")
    assert f"{folder / 'bo' / 'test'} is no folder; name one" in refused(folder, tmp_path)


def test_a_folder_that_can_not_be_looked_into_is_named(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "bo" / "train" / "closed").mkdir()
    looks = os.scandir

    def scandir(path: str | Path) -> object:  # whoever tests as root may look into all
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return looks(path)

    monkeypatch.setattr("os.scandir", scandir)
    assert f"can't look into {folder / 'bo' / 'train' / 'closed'}: Permission denied" in refused(
        folder, tmp_path
    )


def test_what_is_clearly_no_photo_is_left_out_and_told(folder: Path, tmp_path: Path) -> None:
    layout = small_layout(tmp_path)
    before = read_seeds(folder, layout)
    assert {seed.left_out for seed in before} == {()}
    train = folder / "bo" / "train"
    for name in (".DS_Store", "._0.png", "notes.txt", "0.json"):
        (train / name).write_bytes(b"x")
    (train / ".thumbnails").mkdir()
    (train / ".thumbnails" / "0.heic").write_bytes(b"x")
    (train / "link.txt").symlink_to(train / "notes.txt")
    (folder / "bo" / "test" / "Thumbs.db").write_bytes(b"x")
    (train / "later").mkdir()
    (train / "0.png").rename(train / "later" / "0.png")
    ada, bo = read_seeds(folder, layout)
    assert [path.name for path in bo.left_out] == [
        *(".DS_Store", "._0.png", ".thumbnails", "0.json", "link.txt", "notes.txt", "Thumbs.db")
    ]
    assert [path.name for path in bo.train] == ["1.png", "0.png"]
    assert (ada.left_out, ada.concept) == ((), before[0].concept)


def test_who_is_easily_taken_for_whom_may_be_told(folder: Path, tmp_path: Path) -> None:
    tell(folder, bo={"category": "pet"}, ada={"category": "pet", "alike": "bo"})
    ada, bo = read_seeds(folder, small_layout(tmp_path))
    assert (ada.concept.alike, bo.concept.alike) == ("bo", "")
    tell(folder, bo={"category": "pet"}, ada={"category": "pet", "alike": "mika"})
    assert "ada: alike: 'mika' is no concept here; give its name" in refused(folder, tmp_path)
