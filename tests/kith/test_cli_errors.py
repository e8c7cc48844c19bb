"""Exit code 2 and one line for bad input, 1 and one line for a failure."""

from pathlib import Path

import pytest

from kith.cli import main
from kith.cli.files import naming
from kith.errors import InvalidInput, KithError, Refused, Unauthenticated, Unavailable
from tests.kith.conftest import Run
from tests.kith.fake import FakeAssistant, overloaded

Captured = pytest.CaptureFixture[str]


def line(capsys: Captured) -> str:
    """Return the one line on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("\n")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("flags", [[], ["--json"]])
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["remember"], "Missing argument"),
        (["remember", "bo", "missing.png"], "can't read missing.png"),
        (["remember", "bo", "."], "can't read ."),
        (["remember", "bo", "PHOTO", "--box", "1,2,3"], "'1,2,3' is not four numbers"),
        (["remember", "bo", "PHOTO", "--box", "5,5,1,1"], "has no area"),
        (["remember", "bo", "PHOTO", "--box", "0,0,nan,1"], "has no area"),
        (["remember", "bo", "PHOTO", "PHOTO", "--box", "0,0,1,1"], "1 for 2 photos"),
        (["retrieve", "PHOTO", "--colour"], "No such option"),
        (["fetch"], "No such command"),
        (["--method", "magic", "list"], "magic"),
        (["--memory", "x", "list"], "memory: the server at"),
        (["show", "nobody"], "there is no 'nobody'"),
        (["edit", "nobody"], "nothing to change"),
        (["forget", "nobody", "--undo"], "no 'nobody' is forgotten"),
        (["recognize", "PHOTO", "--concept", "nobody"], "there is no 'nobody'"),
        (["recognize", "PHOTO"], "Missing option"),
        (["ask", "a.png", "What", "is", "this?"], "put the question in quotes"),
        (["import", "missing.tar"], "can't read missing.tar"),
        (["export", "missing/x.tar"], "can't write missing/x.tar"),
        (["export", "/"], "can't write /: it is a folder"),
        (["export", "."], "can't write .: it is a folder"),
        (["export", ""], "can't write .: it is a folder"),
        (["demo"], "leave --server out"),
    ],
)
def test_bad_input_ends_with_2_and_one_line(
    flags: list[str],
    arguments: list[str],
    said: str,
    kith: Run,
    photo: Path,
    capsys: Captured,
) -> None:
    given = [str(photo) if argument == "PHOTO" else argument for argument in arguments]
    assert kith(*flags, *given) == 2
    assert said in line(capsys)


def test_a_message_of_several_lines_is_printed_as_one(
    kith: Run, photo: Path, capsys: Captured
) -> None:
    kith("remember", "bo", photo)
    capsys.readouterr()
    assert kith("remember", "bo", photo) == 2
    assert line(capsys) == "kith: display_name: 'bo' is taken; choose another\n"


@pytest.mark.parametrize(
    ("content", "said"), [(b"broken", "send a JPEG"), (b"", "is empty; name a JPEG")]
)
def test_a_photo_that_is_refused_is_bad_input_and_named(
    content: bytes, said: str, kith: Run, photo: Path, tmp_path: Path, capsys: Captured
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(content)
    assert kith("retrieve", photo, bad, photo) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.count(str(bad)) == 1
    assert said in err


@pytest.mark.parametrize(
    ("field", "named"),
    [
        ("views[1].photo", "b.png"),
        ("images[0]", "a.png"),
        ("views[7].photo", None),
        ("image", None),
        ("display_name", None),
    ],
)
def test_of_several_photos_the_one_refused_is_named(field: str, named: str | None) -> None:
    error = InvalidInput("not an image", reason="NOT_AN_IMAGE", field=field)
    with pytest.raises(InvalidInput) as caught, naming([Path("a.png"), Path("b.png")]):
        raise error
    assert str(caught.value) == (f"{named}: not an image" if named else "not an image")


def test_of_a_question_with_a_photo_only_the_photo_is_named() -> None:
    for field, said in (
        ("turns[0].parts[0].image", "a.png: bad"),
        ("turns[0].parts[1].text", "bad"),
    ):
        with pytest.raises(InvalidInput) as caught, naming([Path("a.png")]):
            raise InvalidInput("bad", reason="X", field=field)
        assert str(caught.value) == said


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Unavailable("generation: gone", reason="X"), 1),
        (Refused("memory: another process has it open", reason="X"), 1),
        (KithError("Kith failed", reason="INTERNAL"), 1),
        (overloaded(), 1),
        (Unauthenticated("authorization: no known token", reason="X"), 2),
    ],
)
def test_who_can_mend_it_decides_the_exit_code(
    error: KithError, code: int, kith: Run, assistant: FakeAssistant, capsys: Captured
) -> None:
    assistant.fail_with = error
    assert kith("list") == code
    assert line(capsys) == f"kith: {error}\n"


def test_who_has_no_token_is_told_the_option(
    kith: Run, assistant: FakeAssistant, capsys: Captured
) -> None:
    said = "authorization: no known token; send 'authorization: Bearer TOKEN'"
    assistant.fail_with = Unauthenticated(said, reason="TOKEN_UNKNOWN")
    assert kith("list") == 2
    assert line(capsys) == (
        f"kith: {said}: put it into KITH_TOKEN, or give --token before the command\n"
    )


def test_a_server_that_is_not_there_is_a_failure(capsys: Captured) -> None:
    assert main(["--server", "127.0.0.1:1", "list"]) == 1
    assert "nobody answers at 127.0.0.1:1" in line(capsys)


@pytest.mark.parametrize(
    "server",
    ["nonsense", ":99999", "here:0", "here:99999", "here:", ":7450", "a:b:1", "http://a:1"],
)
def test_a_server_that_is_no_address_is_bad_input(server: str, capsys: Captured) -> None:
    assert main(["--server", server, "list"]) == 2
    assert f"{server!r} is not HOST:PORT" in line(capsys)


@pytest.mark.parametrize("command", [["serve"], ["serve", "assistant"], ["up"]])
def test_a_setting_that_can_not_be_read_is_bad_input(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setenv("KITH_PORT", "abc")
    assert main(["--memory", str(tmp_path), *command]) == 2
    assert "KITH_PORT=abc: Input should be a valid integer" in line(capsys)


@pytest.mark.parametrize("service", ["detection", "embedding", "generation", "gateway"])
def test_an_option_that_a_service_has_no_use_for_is_bad_input(
    service: str, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["--memory", str(tmp_path), "serve", service]) == 2
    assert f"memory: 'kith serve {service}' has no use for it; leave --memory out" in line(capsys)


def test_an_export_that_fails_leaves_no_half_file(
    kith: Run, assistant: FakeAssistant, tmp_path: Path, capsys: Captured
) -> None:
    assistant.fail_with = Unavailable("memory: gone", reason="X")
    assert kith("export", tmp_path / "memory.tar") == 1
    assert list(tmp_path.iterdir()) == []
    assert "memory: gone" in line(capsys)


def test_a_demo_whose_page_can_not_be_written_does_not_begin(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "file").touch()
    for page in (tmp_path, tmp_path / "file" / "index.html"):
        assert main(["demo", "--page", str(page)]) == 2
        assert f"page: can't write {page}" in line(capsys)


def test_a_watch_without_a_server_says_how_to_start_one(capsys: Captured) -> None:
    assert main(["watch"]) == 2
    assert "start 'kith serve'" in line(capsys)


def test_an_import_that_takes_nothing_in_is_bad_input(
    kith: Run, assistant: FakeAssistant, tmp_path: Path, capsys: Captured
) -> None:
    assistant.import_nothing = True
    (tmp_path / "memory.tar").write_bytes(b"archive")
    assert kith("import", tmp_path / "memory.tar") == 2
    out, err = capsys.readouterr()
    assert "sunny.png is not there" in out
    assert err.startswith("kith: import: nothing was taken in from")
    assert err.count("\n") == 1


def test_kith_alone_shows_its_help(capsys: Captured) -> None:
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out
