"""What docs/baselines.md shows in full is what the program does; it takes minutes a method."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "baselines.md").read_text(encoding="utf-8")
SESSIONS = PAGE.split("## A session with each")[1].split("## As a service")[0]
BLOCKS = re.findall(r"^```(sh|py)\n(.*?)^```$", SESSIONS, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for line in re.findall(r"^\$ python (-m datagen\.playroom .*)$", PAGE, re.MULTILINE):
        subprocess.run([sys.executable, *line.split()], cwd=folder, check=True)
    return folder


def test_there_is_a_session_for_each_method() -> None:
    told = "".join(text for _, text in BLOCKS)
    assert all(name in told for name in ("yollava-s", "yollava-m", "mc-llava", "myvlm"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("kind", "text"), BLOCKS, ids=[str(i) for i in range(len(BLOCKS))])
def test_a_session_runs(pictures: Path, kind: str, text: str) -> None:
    programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", text] if kind == "py" else ["bash", "-euc", text]
    environment = os.environ | {"PATH": programs, "KITH_NEGATIVES": "pool"}
    done = subprocess.run(
        command, cwd=pictures, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
