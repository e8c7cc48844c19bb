"""No file in the repository names a machine or a registry, or is too heavy to clone."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Written so that this file does not hold what it looks for.
FORBIDDEN = {
    "an option that names a package index": r"--(?:extra-)?index-url|--find[-]links",
    "a registry's address": r"(?:pypi|pythonhosted|npmjs|golang|crates)\.(?:org|io)/",
    "a resolved download address": r'"resolved": ["]http',
    "a path of one machine": r"(?<![a-z.\w])/(?:work|root|farm|tmp|home|Users)/[a-zA-Z.]",
    "a merge conflict": r"^(?:<{7}|>{7}) ",
    "a private key": r"BEGIN [A-Z ]*PRIVATE KEY",
}
LOCK_FILES = {"uv.lock", "poetry.lock", "Pipfile.lock", "package-lock.json", "yarn.lock"}
MAX_FILE_BYTES = 1_500_000  # the report of the offline bench is one file with its pictures
MAX_WEIGHTS_BYTES = 60_000_000
WEIGHTS = Path("pocket/weights")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what: str, tracked: list[Path]) -> None:
    pattern = re.compile(FORBIDDEN[what], re.MULTILINE)
    found = []
    for file in tracked:
        content = (ROOT / file).read_bytes()
        if b"\0" not in content[:8000] and file.suffix != ".svg":
            text = content.decode("utf-8", errors="replace")
            found += [f"{file}: {hit.group()}" for hit in pattern.finditer(text)]
    assert not found, f"{what}: {found}"


def test_there_is_no_lock_file(tracked: list[Path]) -> None:
    assert not [file for file in tracked if file.name in LOCK_FILES]


def test_constraints_are_bare_pins() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pin = re.compile(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*")
    assert not [line for line in lines if not pin.fullmatch(line)]


def test_a_clone_is_light(tracked: list[Path]) -> None:
    sizes = {file: (ROOT / file).stat().st_size for file in tracked}
    weights = sum(size for file, size in sizes.items() if file.is_relative_to(WEIGHTS))
    heavy = [
        file
        for file, size in sizes.items()
        if size > MAX_FILE_BYTES and not file.is_relative_to(WEIGHTS)
    ]
    assert weights <= MAX_WEIGHTS_BYTES
    assert not heavy
