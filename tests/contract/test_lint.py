import shutil
import subprocess
from pathlib import Path

import pytest

from tests.contract.reader import Contract

CONFIG = Path(__file__).resolve().parents[2] / "proto" / "buf.yaml"


@pytest.fixture
def buf() -> str:
    found = shutil.which("buf")
    if not found:
        pytest.skip("buf is not on the PATH; npm install -g @bufbuild/buf brings it")
    return found


def test_buf_finds_nothing_to_say(buf: str, contract: Contract, tmp_path: Path) -> None:
    # An image, and not the sources: buf would fetch the imports from its registry.
    image = tmp_path / "contract.binpb"
    image.write_bytes(contract.compiled.SerializeToString())

    done = subprocess.run(
        [buf, "lint", str(image), "--config", str(CONFIG), "--path", "kith/v1"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.stdout + done.stderr == ""


def test_the_sources_are_formatted(buf: str) -> None:
    done = subprocess.run(
        [buf, "format", "--diff", "--exit-code"],
        cwd=CONFIG.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
