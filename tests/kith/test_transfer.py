import io
import json
import zipfile
from pathlib import Path

import pytest

from kith.client import Client
from kith.errors import InvalidInput
from kith.v1 import transfer_pb2
from tests.kith.fake import FakeAssistant


def sent(assistant: FakeAssistant) -> tuple[int, bytes]:
    header, *chunks = assistant.requests
    return header.header.format, b"".join(chunk.chunk for chunk in chunks)


def packed(assistant: FakeAssistant) -> list[str]:
    """Return the names of the files that were sent, below their folder's."""
    form, content = sent(assistant)
    assert form == transfer_pb2.MEMORY_FORMAT_RAP_FOLDER
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return sorted(name.removeprefix("example_database/") for name in archive.namelist())


def test_an_archive_is_sent_as_it_is_in_pieces(
    client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    content = bytes(range(256)) * 10_000
    (tmp_path / "memory.tar").write_bytes(content)
    done = client.import_memory(tmp_path / "memory.tar")
    assert sent(assistant) == (transfer_pb2.MEMORY_FORMAT_KITH_ARCHIVE, content)
    assert max(len(request.chunk) for request in assistant.requests) <= 1024 * 1024
    assert [concept.display_name for concept in done.concepts] == ["bo"]
    assert [(one.entry, one.reason) for one in done.problems] == [("<sunny>", "PHOTO_MISSING")]


def test_of_a_rap_folder_only_the_database_and_the_images_it_names_are_sent(
    client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    folder = tmp_path / "example_database"
    (folder / ".git").mkdir(parents=True)
    for stray in ("holiday.png", "notes.json", "image.faiss", ".git/hidden.png", "../above.png"):
        (folder / stray).write_bytes(b"private")
    (folder / "link.png").symlink_to(tmp_path / "above.png")
    for image in ("bo.PNG", "mia.jpg"):
        (folder / image).write_bytes(b"photo")
    images = ["example_database/bo.PNG", "mia.jpg", "../above.png", "link.png", "gone.png", "", 5]
    images += [str(tmp_path / "above.png"), "nul\0.png", "."]
    entries = {f"<{number}>": {"image": image} for number, image in enumerate(images)}
    database = json.dumps({"concept_dict": entries | {"<none>": {}}})
    (folder / "database.json").write_text(database, encoding="utf-8")
    client.import_memory(folder)
    assert packed(assistant) == ["bo.PNG", "database.json", "mia.jpg"]


@pytest.mark.parametrize("database", ["{}", "no JSON", '{"concept_dict": [1]}', "[]", "\udcff"])
def test_a_rap_database_that_is_not_one_is_left_to_the_server_to_refuse(
    database: str, client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    folder = tmp_path / "example_database"
    folder.mkdir()
    (folder / "database.json").write_bytes(database.encode("utf-8", "surrogateescape"))
    (folder / "bo.png").write_bytes(b"photo")
    client.import_memory(folder)
    assert packed(assistant) == ["database.json"]


def test_a_zip_is_taken_for_a_rap_folder(
    client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "memory.zip", "w") as archive:
        archive.writestr("database.json", "{}")
    client.import_memory(tmp_path / "memory.zip")
    form, content = sent(assistant)
    assert form == transfer_pb2.MEMORY_FORMAT_RAP_FOLDER
    assert content == (tmp_path / "memory.zip").read_bytes()


def test_what_is_no_memory_is_refused_before_anything_is_sent(
    client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput, match=r"holds no database\.json"):
        client.import_memory(tmp_path)
    with pytest.raises(InvalidInput, match="can't read"):
        client.import_memory(tmp_path / "missing.tar")
    assert assistant.requests == []


def test_an_export_comes_in_pieces(client: Client, assistant: FakeAssistant) -> None:
    assert b"".join(client.export_memory(form="rap")) == b"onetwo"
    assert assistant.requests[0].format == transfer_pb2.MEMORY_FORMAT_RAP_FOLDER
