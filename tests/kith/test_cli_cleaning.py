"""`kith datagen clean`."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from kith.cli import cleaning, main
from kith.errors import Refused
from kith.local import detector_of
from services.assistant.settings import AssistantSettings
from tests.datagen.drawn import Counting
from tests.datagen.small import commission, finish


@pytest.fixture
def eyes(monkeypatch: pytest.MonkeyPatch) -> Counting:
    """Takes the place of the profile's models."""
    made = Counting()

    def stage(name: str, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        @contextmanager
        def reached(settings: Any) -> Iterator[tuple[str, Callable[[Any], Any]]]:  # noqa: ANN401
            assert settings.profile == "pocket"
            yield name, call

        return reached

    monkeypatch.setattr(cleaning, "embedder_of", stage("mean colour", made.embed))
    monkeypatch.setattr(cleaning, "detector_of", stage("nothing", lambda _: []))
    return made


def test_a_dataset_is_cleaned(
    tmp_path: Path, eyes: Counting, capsys: pytest.CaptureFixture[str]
) -> None:
    finish(commission(tmp_path / "out", limit=3))
    command = ["datagen", "clean", "--out", str(tmp_path / "out")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out.startswith("Pictures: 3. Proposed to reject: ")
    assert re.search(r"\. Took [\d.]+ s; [\d.]+ MB on disk\.\n$", out)
    assert err == ""
    embedded = eyes.pictures
    assert main(["--json", *command]) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 3
    assert eyes.pictures == embedded + 10  # the seeds


def test_a_folder_of_something_else_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["datagen", "clean", "--out", str(tmp_path)]) == 2
    assert "holds no dataset" in capsys.readouterr().err


def test_a_review_tells_its_address_and_ends_with_ctrl_c(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("out", "other"):
        finish(commission(tmp_path / name, limit=2))
    kith = Path(sys.executable).with_name("kith")
    command = [str(kith), "--json", "datagen", "review", str(tmp_path / "out"), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        url = json.loads(running.stdout.readline())["url"]
        assert len(httpx.get(f"{url}dataset").json()["pictures"]) == 2
        port = ["--port", url.split(":")[-1][:-1]]
        assert main(["datagen", "review", str(tmp_path / "other"), *port]) == 1
        assert "port: can't listen on" in capsys.readouterr().err
        assert main(["datagen", "clean", "--out", str(tmp_path / "out")]) == 1
        said = f"out: kith datagen review is at work in {tmp_path / 'out'}; let it end, or stop it"
        assert said in capsys.readouterr().err
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=60)
    assert (running.returncode, err) == (130, b"")


def test_over_a_network_the_address_of_a_review_holds_a_token_and_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(commission(tmp_path / "out", limit=2))
    kith = Path(sys.executable).with_name("kith")
    command = [str(kith), "datagen", "review", str(tmp_path / "out"), "--port", "0"]
    monkeypatch.setenv("COLUMNS", "30")
    with subprocess.Popen(
        [*command, "--host", "0.0.0.0"],
        stdout=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        told = running.stdout.readline()
        found = re.fullmatch(r"Review at http://[^/]+:(\d+)/(\?token=[\w-]{22})\n", told)
        assert found, told
        here = f"http://127.0.0.1:{found[1]}/"
        assert httpx.get(f"{here}dataset").status_code == 401
        with httpx.Client(follow_redirects=True) as browser:
            assert browser.get(here + found[2]).status_code == 200
            assert len(browser.get(f"{here}dataset").json()["pictures"]) == 2
        running.send_signal(signal.SIGINT)


def test_the_detector_is_that_of_the_settings_and_loaded_when_it_is_needed(tmp_path: Path) -> None:
    with detector_of(AssistantSettings(weights=tmp_path)) as (name, detect):
        assert name == "detector"
        with pytest.raises(Refused, match=r"detector\.pt"):
            detect(Image.new("RGB", (8, 8)))
