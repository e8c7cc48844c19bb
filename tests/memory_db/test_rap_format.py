"""RAP's database folder: read as people write it, written as it was published."""

import io
import itertools
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest

from kith.errors import InvalidInput
from memory_db import ConceptStore, NewView
from memory_db.rap_format import RapConcept, read_rap_folder, write_rap_folder
from tests.memory_db.making import DIM, image, vector, view

Entries = dict[str, dict[str, Any]]
Pack = Callable[[Path], IO[bytes]]


def entry(name: str, path: str, **more: object) -> Entries:
    return {
        f"<{name}>": {"name": name, "image": path, "info": f"<{name}> is ...", "category": "dog"}
        | more
    }


def make(folder: Path, entries: Entries, *files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(image(Path(file).stem))
    database = {
        "concept_dict": entries,
        "path_to_concept": {value["image"]: tag for tag, value in entries.items()},
    }
    (folder / "database.json").write_text(json.dumps(database), encoding="utf-8")
    return folder


@pytest.fixture(params=["zip", "zip of the folder"])
def packed(request: pytest.FixtureRequest) -> Pack:
    """A zip made of a folder."""
    return lambda folder: zipped(folder, folder if request.param == "zip" else folder.parent)


def zipped(folder: Path, start: Path | None = None) -> IO[bytes]:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            made.write(path, path.relative_to(start or folder))
    file.seek(0)
    return file


def test_the_published_form_is_read(tmp_path: Path, packed: Pack) -> None:
    entries = entry("bo", "example_database/bo.png") | entry("mug", "./example_database/mug.jpeg")
    folder = make(tmp_path / "up" / "example_database", entries, "bo.png", "mug.jpeg", "stray.png")
    assert list(read_rap_folder(packed(folder))) == [
        RapConcept("<bo>", "bo", "dog", "<bo> is ...", image("bo")),
        RapConcept("<mug>", "mug", "dog", "<mug> is ...", image("mug")),
    ]


@pytest.mark.parametrize("path", ["bo.png", "db/bo.png", "./bo.png", "old_name/bo.png"])
def test_an_image_path_starts_at_the_folder_or_above_it(
    tmp_path: Path, packed: Pack, path: str
) -> None:
    folder = make(tmp_path / "up" / "db", entry("bo", path), "bo.png")
    (concept,) = read_rap_folder(packed(folder))
    assert concept.image == image("bo")


def test_a_path_within_the_folder_wins_over_one_from_above(tmp_path: Path) -> None:
    folder = make(tmp_path / "db", entry("bo", "db/bo.png"), "bo.png", "db/bo.png")
    (folder / "bo.png").write_bytes(b"the other")
    assert [concept.image for concept in read_rap_folder(zipped(folder))] == [image("bo")]


def test_hidden_folders_keep_their_dots(tmp_path: Path, packed: Pack) -> None:
    folder = make(tmp_path / "up" / "db", entry("bo", ".photos/bo.png"), ".photos/bo.png")
    assert len(list(read_rap_folder(packed(folder)))) == 1


@pytest.mark.parametrize("path", ["../bo.png", "x/../../bo.png", "/etc/passwd", "\0", ".", "/"])
def test_a_path_that_leads_out_of_the_folder_is_missing(
    tmp_path: Path, packed: Pack, path: str
) -> None:
    folder = make(tmp_path / "up" / "db", entry("bo", path))
    with pytest.raises(InvalidInput, match="<bo>") as caught:
        list(read_rap_folder(packed(folder)))
    assert caught.value.reason == "PHOTO_MISSING"


def test_a_missing_image_names_the_concept_and_the_path(tmp_path: Path, packed: Pack) -> None:
    entries = (
        entry("bo", "db/lost.png") | entry("mug", "db/mug.png") | entry("cup", "") | {"<x>": {}}
    )
    entries = {tag: value | {"image": value.get("image", "")} for tag, value in entries.items()}
    folder = make(tmp_path / "up" / "db", entries, "mug.png")
    broken: dict[str, object] = {"concept_dict": entries | {"<none>": None, "<list>": []}}
    (folder / "database.json").write_text(json.dumps(broken), encoding="utf-8")
    file = packed(folder)
    with pytest.raises(InvalidInput, match=r"<bo>: image db/lost\.png"):
        list(read_rap_folder(file))
    problems: list[str] = []
    concepts = list(read_rap_folder(file, lambda tag, problem: problems.append(tag)))
    assert [concept.name for concept in concepts] == ["mug"]
    assert problems == ["<bo>", "<cup>", "<x>", "<none>", "<list>"]


def test_entries_may_lack_all_but_the_image(tmp_path: Path) -> None:
    folder = make(tmp_path, {"<bo>": {"image": "bo.png"}}, "bo.png")
    assert list(read_rap_folder(zipped(folder))) == [RapConcept("<bo>", "bo", "", "", image("bo"))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"concept_dict": []}',
        '{"concept_dict": {"a": 1}}',
        '{"concept_dict": ',
        "[" * 100_000,
    ],
)
def test_what_is_no_database_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "database.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"database\.json"):
        list(read_rap_folder(zipped(tmp_path)))


def test_what_is_no_such_zip_is_refused(tmp_path: Path) -> None:
    for file in (zipped(tmp_path), io.BytesIO(b"not a zip")):
        with pytest.raises(InvalidInput, match="RAP folder"):
            list(read_rap_folder(file))


def test_a_damaged_zip_is_refused_or_lacks_what_is_damaged(tmp_path: Path) -> None:
    folder = make(tmp_path / "db", entry("bo", "bo.png") | entry("mug", "mug.png"))
    for name in ("bo.png", "mug.png"):
        (folder / name).write_bytes(b"repeated " * 20)
    whole = zipped(folder).read()
    told: set[str] = set()
    for place, bits in itertools.product(range(len(whole)), (0x01, 0x40, 0xFF)):
        damaged = bytearray(whole)
        damaged[place] ^= bits
        try:
            list(read_rap_folder(io.BytesIO(damaged), lambda _, problem: told.add(problem.reason)))
        except InvalidInput as error:
            told.add(error.reason)
    assert "RAP_FOLDER_INVALID" in told


def test_a_file_too_large_is_refused_before_it_is_read(
    tmp_path: Path, packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_db.rap_format.MAX_FILE_BYTES", 200)
    folder = make(tmp_path / "up" / "db", entry("b", "b.png"), "b.png")
    (folder / "b.png").write_bytes(bytes(201))
    with pytest.raises(InvalidInput, match="201 bytes"):
        list(read_rap_folder(packed(folder)))


def test_a_memory_goes_out_and_comes_back(tmp_path: Path) -> None:
    file = io.BytesIO()
    with ConceptStore.open(tmp_path / "a", user="me", model="m", dim=DIM) as store:
        store.remember("bo", "dog", "<bo> is a Shiba", [view("bo"), view("side")])
        store.remember("Ünï cup", "cup", "", [view("x", negative=True), view("cup")])
        write_rap_folder(file, store.list().concepts, store.photo)
    with zipfile.ZipFile(file) as written:
        database = json.loads(written.read("database/database.json"))
        names = written.namelist()
    paths = {tag: item["image"] for tag, item in database["concept_dict"].items()}
    assert database["path_to_concept"] == {path: tag for tag, path in paths.items()}
    assert set(names) == {*paths.values(), "database/database.json"}
    assert list(paths) == ["<bo>", "<Ünï cup>"]
    with ConceptStore.open(tmp_path / "b", user="me", model="m", dim=DIM) as store:
        for concept in read_rap_folder(file):
            new = NewView(concept.image, vector(concept.name))
            store.remember(concept.name, concept.category, concept.description, [new])
        kept = store.list().concepts
        assert [(c.name, c.category, c.description) for c in kept] == [
            ("bo", "dog", "<bo> is a Shiba"),
            ("Ünï cup", "cup", ""),
        ]
        assert [store.photo(c.views[0].blob) for c in kept] == [image("bo"), image("cup")]
