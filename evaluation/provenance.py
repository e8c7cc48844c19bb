"""With what a run was made: the revision of the evaluator, and the packages that matter."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Final

_PACKAGES: Final = (
    "kith",
    "grpcio",
    "numpy",
    "open_clip_torch",
    "openai",
    "pillow",
    "qdrant-edge-py",
    "scipy",
    "torch",
    "transformers",
    "ultralytics",
)


def versions() -> dict[str, str]:
    """Of Python, and of those packages that are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def revision() -> str:
    """The git revision of the evaluator, with "-dirty" behind it if files differ; empty if none."""
    command = ["git", "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        told = subprocess.run(
            command,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
