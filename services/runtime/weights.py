"""The check every weights file passes before a library opens it.

Safetensors hold numbers only. Any other checkpoint is a pickle, which runs code when it is opened,
so it is opened only if its bytes are the very ones that the profile names or the operator trusts.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from kith.errors import Refused

SUMS: Final = "SHA256SUMS"
"""A file of an operator, in a folder of models or in the one above it, in the form of `sha256sum`:
what is named there is compared with it."""


def verify(path: Path, sha256: str = "") -> Path:
    """`path`, once it is known to be safe to open.

    Args:
        path: A weights file.
        sha256: The hash from the profile, lower-case hexadecimal; empty when none is pinned, which
            leaves a pickle to the operator: see `trust`.

    Raises:
        Refused: The file is missing, is not the one that the profile or `SHA256SUMS` names, or is
            a pickle that nobody trusts: a folder of models can't vouch for itself.
    """
    if not path.is_file():
        raise Refused(
            f"weights: no file {path}; fetch the profile's models or correct --weights",
            reason="WEIGHTS_MISSING",
        )
    wanted, by = (sha256, "the profile") if sha256 else (summed(path), SUMS)
    if wanted and (actual := sha256_of(path)) != wanted:
        raise Refused(
            f"weights: {path.name} has sha256 {actual}, {by} names {wanted}; fetch the file again",
            reason="WEIGHTS_HASH_MISMATCH",
        )
    if not sha256 and can_run_code(path) and sha256_of(path) not in trusted():
        raise Refused(
            f"weights: {path} is a pickle and can run code, and {trust_list()} does not name its "
            "sha256; compare it with its publisher's, then run kith models --trust with the same "
            "--profile and --weights",
            reason="WEIGHTS_NOT_TRUSTED",
        )
    return path


def summed(path: Path) -> str:
    """The hash that `SHA256SUMS` in its folder, or in the one above, names for a file; or ""."""
    for folder in (path.parent, path.parent.parent):
        if not (folder / SUMS).is_file():
            continue
        for line in (folder / SUMS).read_text(encoding="utf-8").splitlines():
            digest, _, name = line.partition(" ")
            if name and Path(name.strip(" *")) == path.relative_to(folder):
                return digest.lower()
    return ""


def can_run_code(path: Path) -> bool:
    """True for every format but safetensors."""
    return path.suffix != ".safetensors"


def sha256_of(path: Path) -> str:
    """Of the file's bytes, lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint_of(weights: Path) -> str:
    """Of a weights file its SHA-256; of a model's folder, that of those of its safetensors.

    Blocks, once for the files as they are.
    """
    if weights.is_file():
        return _sha256_of(*_state(weights))
    shards = sorted(weights.glob("*.safetensors"))
    digests = "".join(_sha256_of(*_state(shard)) for shard in shards)
    return hashlib.sha256(digests.encode()).hexdigest()


def _state(path: Path) -> tuple[Path, int, int]:
    """A file with the time and size by which it is known to be the same."""
    about = path.stat()
    return path, about.st_mtime_ns, about.st_size


@lru_cache(maxsize=32)
def _sha256_of(path: Path, _changed: int, _size: int) -> str:
    return sha256_of(path)


def trust_list() -> Path:
    """The operator's list of pickles to open, in the form in which `sha256sum` writes it.

    It lies apart from the models: a folder of models can't vouch for itself.
    """
    if chosen := os.environ.get("KITH_TRUSTED_WEIGHTS"):
        return Path(chosen)
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return settings / "kith" / "trusted-weights"


def trusted() -> frozenset[str]:
    """The hashes on the list."""
    if not trust_list().is_file():
        return frozenset()
    lines = trust_list().read_text(encoding="utf-8").splitlines()
    return frozenset(line.split()[0].lower() for line in lines if line.strip())


def trust(path: Path) -> None:
    """Puts a file's hash on the list: from now on its bytes may be opened, wherever they lie."""
    digest = sha256_of(path)
    if digest in trusted():
        return
    trust_list().parent.mkdir(parents=True, exist_ok=True)
    with trust_list().open("a", encoding="utf-8") as file:
        file.write(f"{digest}  {path.name}\n")
