import subprocess
import sys
from pathlib import Path

from PIL import Image


def test_the_command_draws_a_contact_sheet(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "sheet.png"
    command = [sys.executable, "-m", "datagen.playroom", "sheet", "--out", str(out)]
    subprocess.run(command, check=True, timeout=60)
    with Image.open(out) as sheet:
        assert sheet.width == 960
    assert out.stat().st_size < 400_000


def test_importing_the_world_is_cheap() -> None:
    code = "import sys, datagen.playroom; assert not {'torch', 'PIL', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
