"""The page and the Markdown file: the same sections, in two forms."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.cells import THESIS, Table

_MARKUP: Final = re.compile(r"([\\`*_\[\]<>|~$&])")
"""What Markdown, or HTML within it, would take for more than text."""


PAGE: Final = "report.html"
"""Name of the page in the folder of a run."""


@dataclass(frozen=True)
class Picture:
    """A figure."""

    file: str
    """Its name in the folder `figures`."""
    title: str
    says: str
    """What is to be seen in it, also for those who can't see it."""
    folded: bool = False
    """Whether it is opened only by who wants to see it."""


@dataclass(frozen=True)
class Mark:
    """A box on a photo of the gallery, in shares of it."""

    name: str
    box: tuple[float, float, float, float]
    hue: int
    """Which of the page's eight colours for names."""
    missed: bool
    """True for one that should have been named and was not."""


@dataclass(frozen=True)
class Shown:
    """An answer in the gallery."""

    method: str
    right: bool
    photo: bytes
    """WebP."""
    size: tuple[int, int]
    """Width and height of the photo in pixels."""
    there: str
    """Who is in the photo, in words."""
    marks: tuple[Mark, ...]
    question: str
    answer: str
    truth: str


@dataclass(frozen=True)
class Gallery:
    """Answers, right and wrong, to be looked at."""

    shown: tuple[Shown, ...]


Block = Table | Picture | Gallery


@dataclass(frozen=True)
class Section:
    """A part of the report."""

    id: str
    title: str
    says: str
    """What it is about; empty where the title is enough."""
    blocks: tuple[Block, ...]
    nothing: str = ""
    """What is said where no block has anything in it."""


@dataclass(frozen=True)
class Report:
    """Everything that is told."""

    title: str
    says: str
    warning: str
    """What a reader has to know before all; empty if there is nothing."""
    sections: Sequence[Section]
    foot: str


def is_empty(block: Block) -> bool:
    """Whether there is nothing to be seen in it."""
    match block:
        case Table():
            return not any(group.rows for group in block.groups)
        case Gallery():
            return not block.shown
    return False


def write_page(report: Report, folder: Path) -> Path:
    """Write the page: one file, its pictures within it.

    Args:
        report: What to tell.
        folder: Where `figures/` lies and the page goes.
    """

    def inlined(picture: Picture) -> str:
        svg = (folder / "figures" / picture.file).read_bytes()
        return f"data:image/svg+xml;base64,{b64encode(svg).decode()}"

    def photo(shown: Shown) -> str:
        return f"data:image/webp;base64,{b64encode(shown.photo).decode()}"

    html = _environment(is_html=True)
    html.globals |= {"inlined": inlined, "photo": photo}
    path = folder / PAGE
    path.write_text(html.get_template("page.html.jinja").render(report=report), encoding="utf-8")
    return path


def write_markdown(report: Report, folder: Path) -> Path:
    """Write `report.md`, beside the folder `figures` that it shows; it has no gallery."""
    environment = _environment(is_html=False)
    environment.filters["plain"] = _plain
    path = folder / "report.md"
    text = environment.get_template("page.md.jinja").render(report=report)
    path.write_text(re.sub(r"\n{3,}", "\n\n", text).strip() + "\n", encoding="utf-8")
    return path


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _environment(*, is_html: bool) -> Environment:
    environment = Environment(
        loader=PackageLoader("evaluation.report", "."),
        autoescape=is_html,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["THESIS"] = THESIS
    environment.tests |= {
        "table": lambda block: isinstance(block, Table),
        "picture": lambda block: isinstance(block, Picture),
    }
    return environment
