"""A file of tokens, as an operator writes it."""

import hashlib
from pathlib import Path


def write_tokens(file: Path, **tokens: str) -> Path:
    """The file, with a line for each user and token."""
    lines = [f"{user} {hashlib.sha256(it.encode()).hexdigest()}" for user, it in tokens.items()]
    file.write_text("\n".join(lines), encoding="utf-8")
    return file
