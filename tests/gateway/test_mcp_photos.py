import base64
import os
from pathlib import Path

import pytest

from kith.errors import InvalidInput
from services.gateway.mcp.photos import MAX_INLINE_BYTES, Photo, photo_bytes
from services.gateway.mcp.stdio import Files
from tests.gateway.world import BO, photo


@pytest.fixture
def album(tmp_path: Path) -> Path:
    folder = tmp_path / "album"
    folder.mkdir()
    (folder / "bo the dog.png").write_bytes(photo(BO))
    return folder


def encoded(size: int) -> str:
    return base64.b64encode(bytes(size)).decode("ascii")


async def refusal(given: Photo, files: Files) -> InvalidInput:
    with pytest.raises(InvalidInput) as refused:
        await photo_bytes(given, files, field="image")
    assert str(refused.value).startswith(refused.value.field or "?")
    return refused.value


async def test_base64_is_read_with_or_without_a_data_url_and_line_breaks(album: Path) -> None:
    text = base64.encodebytes(photo(BO)).decode("ascii")
    for data in (text, f"data:image/png;base64,{text}"):
        assert await photo_bytes(Photo(data=data), Files([album]), field="image") == photo(BO)


async def test_the_largest_photo_inside_a_message_is_four_mebibytes(album: Path) -> None:
    largest = Photo(data=encoded(MAX_INLINE_BYTES))
    assert len(await photo_bytes(largest, Files([album]), field="image")) == 4 * 2**20
    error = await refusal(Photo(data=encoded(MAX_INLINE_BYTES + 1)), Files([album]))
    assert (error.reason, error.field) == ("IMAGE_TOO_MANY_BYTES", "image.data")
    assert "4194305 bytes, at most 4194304" in str(error)
    assert "give the file's path instead" in str(error)


@pytest.mark.parametrize("data", ["a photo of bo", "aGkaG", "data:image/png,hello", "é"])
async def test_what_is_no_base64_is_refused_without_repeating_it(album: Path, data: str) -> None:
    error = await refusal(Photo(data=data), Files([album]))
    assert error.reason == "NOT_BASE64"
    assert data not in str(error)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (Photo(), "nothing given; give exactly one of data and path"),
        (Photo(data="aGk=", path="x.png"), "data and path given; give exactly one"),
        (Photo(upload="x"), "upload given; give exactly one of data and path"),
    ],
)
async def test_a_photo_is_given_in_one_way_that_is_to_be_had(
    album: Path, given: Photo, said: str
) -> None:
    error = await refusal(given, Files([album]))
    assert error.reason == "PHOTO_SOURCE_INVALID"
    assert said in str(error)


@pytest.mark.parametrize("form", ["{}", "file://{}"])
async def test_a_picture_is_read_by_its_path_or_address(album: Path, form: str) -> None:
    path = str(album / "bo the dog.png")
    handle = form.format(path.replace(" ", "%20") if form != "{}" else path)
    assert await Files([album]).fetch(handle, field="image.path") == photo(BO)


async def test_home_may_be_written_short(album: Path) -> None:
    (Path.home() / "bo.png").write_bytes(photo(BO))
    assert await Files([Path.home()]).fetch("~/bo.png", field="image.path") == photo(BO)


async def test_nothing_outside_the_chosen_folders_is_read_or_told_of(album: Path) -> None:
    secret = album.parent / "secret.png"
    secret.write_bytes(photo(BO))
    (album / "link.png").symlink_to(secret)
    said = set()
    for path in (secret, album / ".." / "secret.png", album / "link.png", album.parent / "none"):
        error = await refusal(Photo(path=str(path)), Files([album]))
        said.add(str(error).removeprefix(f"image.path: {path} "))
    assert said == {f"is not in {album}; copy it there, or add its folder with --photos"}


async def test_only_pictures_are_read(album: Path) -> None:
    (album / "notes.txt").write_text("my diary", encoding="utf-8")
    os.mkfifo(album / "pipe.png")
    for name, said in {
        "notes.txt": "not an image; send a JPEG, PNG or WebP file",
        "pipe.png": "is no file",
        "none.png": "is no file",
        ".": "is no file",
    }.items():
        error = await refusal(Photo(path=str(album / name)), Files([album]))
        assert said in str(error)
        assert "diary" not in str(error)
    assert "is not named in full" in str(await refusal(Photo(path="bo.png"), Files([album])))


@pytest.mark.parametrize("name", ["/a\0b.png", "~nobody-here/bo.png", "file://[/bo.png", "{}/ring"])
async def test_what_is_no_path_is_refused(album: Path, name: str) -> None:
    (album / "ring").symlink_to(album / "ring")
    error = await refusal(Photo(path=name.format(album)), Files([album]))
    assert (error.reason, error.field) == ("FILE_UNREADABLE", "image.path")
    assert "is no path" in str(error)


async def test_a_file_too_large_for_a_photo_is_refused(album: Path) -> None:
    huge = album / "huge.png"
    with huge.open("wb") as file:
        file.truncate(10**11)
    error = await refusal(Photo(path=str(huge)), Files([album]))
    assert error.reason == "IMAGE_TOO_MANY_BYTES"
