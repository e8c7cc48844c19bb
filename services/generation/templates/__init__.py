"""Chat templates of our own, for models whose published one does not put pictures among words."""

from pathlib import Path


def path(name: str) -> Path:
    """The file, as `vllm serve --chat-template` wants it."""
    return Path(__file__).with_name(f"{name}.jinja")


def template(name: str) -> str:
    """The template's text."""
    return path(name).read_text(encoding="utf-8")
