"""The check every weights file passes before a library opens it.

Safetensors hold numbers only. Any other checkpoint is a pickle, which runs code when it is opened,
so it is opened only if its bytes are the very ones the profile names.
"""

import hashlib
from pathlib import Path

from kith.errors import Refused


def verify(path: Path, sha256: str = "") -> Path:
    """`path`, once it is known to be safe to open.

    Args:
        path: A weights file.
        sha256: The hash from the profile, lower-case hexadecimal; empty when none is pinned.

    Raises:
        Refused: The file is missing, is not the pinned one, or is an unpinned pickle.
    """
    if not path.is_file():
        raise Refused(
            f"weights: no file {path}; fetch the profile's models or correct --weights",
            reason="WEIGHTS_MISSING",
        )
    if not sha256 and path.suffix != ".safetensors":
        raise Refused(
            f"weights: {path.name} is a pickle and can run code; write the sha256 of a file you "
            "trust into the profile",
            reason="WEIGHTS_NOT_PINNED",
        )
    if sha256:
        with path.open("rb") as file:
            actual = hashlib.file_digest(file, "sha256").hexdigest()
        if actual != sha256:
            raise Refused(
                f"weights: {path.name} has sha256 {actual}, the profile names {sha256}; fetch the "
                "file again",
                reason="WEIGHTS_HASH_MISMATCH",
            )
    return path
