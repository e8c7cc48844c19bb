"""RAP's database folder: read as people write it, written as it was published."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kith.errors import InvalidInput
from memory_db import ConceptStore, NewView
from memory_db.rap_format import RapConcept, read_rap_folder, write_rap_folder
from tests.memory_db.making import DIM, image, vector, view

Entries = dict[str, dict[str, Any]]
Pack = Callable[[Path], Path]


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


@pytest.fixture(params=["folder", "zip", "zip of the folder"])
def packed(request: pytest.FixtureRequest, tmp_path: Path) -> Pack:
    """The folder itself, or a zip made of it."""

    def pack(folder: Path) -> Path:
        if request.param == "folder":
            return folder
        inside = folder if request.param == "zip" else folder.parent
        return Path(shutil.make_archive(str(tmp_path / "packed"), "zip", inside))

    return pack


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
    assert [concept.image for concept in read_rap_folder(folder)] == [image("bo")]


def test_an_absolute_path_counts_when_it_leads_into_the_folder(tmp_path: Path) -> None:
    folder = make(tmp_path / "db", entry("bo", str(tmp_path / "db" / "bo.png")), "bo.png")
    assert len(list(read_rap_folder(folder))) == 1


def test_hidden_folders_keep_their_dots(tmp_path: Path, packed: Pack) -> None:
    folder = make(tmp_path / "up" / "db", entry("bo", ".photos/bo.png"), ".photos/bo.png")
    assert len(list(read_rap_folder(packed(folder)))) == 1


def test_nothing_outside_the_folder_is_ever_read(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(b"secret")
    folder = make(tmp_path / "db", {})
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "up").symlink_to(tmp_path)
    for path in (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "link.png",
        "up/secret.png",
        "x/../../secret.png",
        "/etc/passwd",
        "\0",
        ".",
    ):
        make(folder, entry("bo", path))
        with pytest.raises(InvalidInput, match="<bo>") as caught:
            list(read_rap_folder(folder))
        assert caught.value.reason == "PHOTO_MISSING"


def test_a_missing_image_names_the_concept_and_the_path(tmp_path: Path, packed: Pack) -> None:
    entries = (
        entry("bo", "db/lost.png") | entry("mug", "db/mug.png") | entry("cup", "") | {"<x>": {}}
    )
    entries = {tag: value | {"image": value.get("image", "")} for tag, value in entries.items()}
    folder = make(tmp_path / "up" / "db", entries, "mug.png")
    broken = {"concept_dict": entries | {"<none>": None, "<list>": []}}
    (folder / "database.json").write_text(json.dumps(broken), encoding="utf-8")
    path = packed(folder)
    with pytest.raises(InvalidInput, match=r"<bo>: image db/lost\.png"):
        list(read_rap_folder(path))
    problems: list[str] = []
    concepts = list(read_rap_folder(path, lambda tag, problem: problems.append(tag)))
    assert [concept.name for concept in concepts] == ["mug"]
    assert problems == ["<bo>", "<cup>", "<x>", "<none>", "<list>"]


def test_entries_may_lack_all_but_the_image(tmp_path: Path) -> None:
    folder = make(tmp_path, {"<bo>": {"image": "bo.png"}}, "bo.png")
    assert list(read_rap_folder(folder)) == [RapConcept("<bo>", "bo", "", "", image("bo"))]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"concept_dict": []}', '{"concept_dict": {"a": 1}}', '{"concept_dict": '],
)
def test_what_is_no_database_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "database.json").write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"database\.json"):
        list(read_rap_folder(tmp_path))


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("not a zip", encoding="utf-8")
    for name in ("empty", "text.zip", "nowhere"):
        with pytest.raises(InvalidInput, match="RAP folder"):
            list(read_rap_folder(tmp_path / name))


def test_a_file_too_large_is_refused_before_it_is_read(
    tmp_path: Path, packed: Pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memory_db.rap_format.MAX_FILE_BYTES", 200)
    folder = make(tmp_path / "up" / "db", entry("b", "b.png"), "b.png")
    (folder / "b.png").write_bytes(bytes(201))
    with pytest.raises(InvalidInput, match="201 bytes"):
        list(read_rap_folder(packed(folder)))


def test_a_memory_goes_out_and_comes_back(tmp_path: Path) -> None:
    with ConceptStore.open(tmp_path / "a", user="me", model="m", dim=DIM) as store:
        store.remember("bo", "dog", "<bo> is a Shiba", [view("bo"), view("side")])
        store.remember("Ünï cup", "cup", "", [view("x", negative=True), view("cup")])
        write_rap_folder(tmp_path / "out", store.list().concepts, store.photo)
    database = json.loads((tmp_path / "out" / "database.json").read_text(encoding="utf-8"))
    paths = {tag: item["image"] for tag, item in database["concept_dict"].items()}
    assert database["path_to_concept"] == {path: tag for tag, path in paths.items()}
    assert all((tmp_path / path).is_file() and path.startswith("out/") for path in paths.values())
    assert list(paths) == ["<bo>", "<Ünï cup>"]
    with ConceptStore.open(tmp_path / "b", user="me", model="m", dim=DIM) as store:
        for concept in read_rap_folder(tmp_path / "out"):
            new = NewView(concept.image, vector(concept.name))
            store.remember(concept.name, concept.category, concept.description, [new])
        kept = store.list().concepts
        assert [(c.name, c.category, c.description) for c in kept] == [
            ("bo", "dog", "<bo> is a Shiba"),
            ("Ünï cup", "cup", ""),
        ]
        assert [store.photo(c.views[0].blob) for c in kept] == [image("bo"), image("cup")]
