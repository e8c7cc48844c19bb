"""What people read: no markup comes from user text, and what matters is there."""

from pathlib import Path

import pytest

from kith.v1 import query_pb2
from tests.kith.conftest import Run
from tests.kith.fake import FakeAssistant


@pytest.fixture
def read(kith: Run, capsys: pytest.CaptureFixture[str], photo: Path) -> Run:
    """Run a command that has to succeed; return what it prints."""
    assert kith("remember", "bo", photo, "--description", "[red]mine[/red]") == 0
    capsys.readouterr()

    def run(*arguments: object) -> str:
        assert kith(*arguments) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("list", ["<bo>", "dog", "[red]mine[/red]"]),
        ("show bo", ["This is <bo> (dog), 1 view", "v0", "whole photo"]),
        ("edit bo --name max", ["This is now <max>"]),
        ("forget bo", ["Forgot <bo>", "--undo"]),
        ("watch", ["Watching", "remembered <bo>"]),
        ("retrieve PHOTO", ["<bo>", "10,20,110,140", "0.40", "accepted"]),
        ("recognize PHOTO --concept bo", ["yes", "0.93"]),
        ("ask PHOTO Who?", ["Yes, <bo> sits there.\n", "<bo> 0.93, at 10,20,110,140"]),
        ("reject bo PHOTO", ["that is not <bo>"]),
        ("add-view bo PHOTO", ["2 views"]),
        ("import PHOTO", ["Remembered 1, left out 1", "sunny.png is not there"]),
        ("export FILE", ["Wrote", "6 bytes"]),
        ("capabilities", ["real time edit", "yes", "detection"]),
    ],
)
def test_a_command_says(
    command: str, shown: list[str], read: Run, photo: Path, tmp_path: Path
) -> None:
    places = {"PHOTO": str(photo), "FILE": str(tmp_path / "memory.tar")}
    said = str(read(*(places.get(word, word) for word in command.split())))
    for part in shown:
        assert part in said


def test_an_answer_without_the_memory_says_so(
    read: Run, assistant: FakeAssistant, photo: Path
) -> None:
    assistant.degradation = query_pb2.Degradation(
        loss=query_pb2.Degradation.LOSS_MEMORY, message="memory: start [bold]it[/bold]"
    )
    said = str(read("ask", photo, "Who?"))
    assert "(answered without the memory: memory: start [bold]it[/bold])" in said


def test_who_was_only_named_has_no_score(read: Run, assistant: FakeAssistant, photo: Path) -> None:
    assistant.only_named = True
    lines = str(read("ask", "What color is <bo>?")).splitlines()
    assert lines[-1] == "  <bo>"


def test_an_empty_memory_says_how_to_begin(
    kith: Run, capsys: pytest.CaptureFixture[str], assistant: FakeAssistant
) -> None:
    assert kith("list") == 0
    assert "kith remember NAME IMAGE" in capsys.readouterr().out
