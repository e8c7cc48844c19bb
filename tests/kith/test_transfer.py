import io
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


def test_a_rap_folder_is_zipped_with_its_name_and_without_what_is_of_no_use(
    client: Client, assistant: FakeAssistant, tmp_path: Path
) -> None:
    folder = tmp_path / "example_database"
    folder.mkdir()
    (tmp_path / "secret.json").write_text("{}", encoding="utf-8")
    (folder / "database.json").write_text("{}", encoding="utf-8")
    (folder / "bo.PNG").write_bytes(b"photo")
    (folder / "image.faiss").write_bytes(b"index")
    (folder / "link.json").symlink_to(tmp_path / "secret.json")
    client.import_memory(folder)
    form, content = sent(assistant)
    assert form == transfer_pb2.MEMORY_FORMAT_RAP_FOLDER
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == [
            "example_database/bo.PNG",
            "example_database/database.json",
        ]


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
