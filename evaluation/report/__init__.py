"""The report of a run: one page that needs nothing else, the same as Markdown, and its figures."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evaluation import results
from evaluation.folder import begun, one_by_one
from evaluation.gathering import so_far
from evaluation.report import about, thesis
from evaluation.report.cells import Table
from evaluation.report.journals import Journals
from evaluation.report.measured import Measured
from evaluation.report.page import (
    Block,
    Picture,
    Report,
    Section,
    is_empty,
    write_markdown,
    write_page,
)
from evaluation.report.pictures import Pictures
from evaluation.report.sections import sections
from evaluation.results import Results

__all__ = ["write"]


def write(folder: Path) -> Path:
    """Write `report.html`, `report.md` and `figures/` of what a run has measured so far.

    Args:
        folder: The run's; see `evaluation.results`.

    Returns:
        The page.

    Raises:
        NotFound: No run was begun there.
        InvalidInput, Refused: See `gathering.so_far`.
    """
    if not begun(folder):
        results.read(folder)  # or nothing is made there
    with one_by_one(folder / ".locks" / "report"):  # workers with a shard each may end at once
        return _write(so_far(folder), folder)


def _write(found: Results, folder: Path) -> Path:
    measures = Measured(found)
    journals = Journals(folder, measures)
    pictures = Pictures(folder, measures, journals)
    report = Report(
        "How well each method remembers",
        about.intro(found, measures),
        about.warning(found),
        [
            _shown(one, about.unfinished(found))
            for one in sections(found, measures, journals, pictures)
        ],
        _foot(found),
    )
    write_markdown(report, folder)
    return write_page(report, folder)


def _shown(section: Section, unfinished: Mapping[str, str]) -> Section:
    """A section without what is empty, in which methods that are not done are marked."""
    blocks = (_marked(block, unfinished) for block in section.blocks if not is_empty(block))
    return replace(section, blocks=tuple(blocks))


def _marked(block: Block, unfinished: Mapping[str, str]) -> Block:
    if isinstance(block, Picture) and unfinished:
        return replace(block, says=f"{block.says} Unfinished: {', '.join(unfinished)}.")
    if not isinstance(block, Table) or block.first != "method":
        return block
    groups = (
        replace(
            group,
            rows=tuple(
                replace(row, label=f"{row.label}, unfinished") if row.label in unfinished else row
                for row in group.rows
            ),
        )
        for group in block.groups
    )
    return replace(block, groups=tuple(groups))


def _foot(found: Results) -> str:
    revision = f" Revision {found.revision}." if found.revision else ""
    return f"Written by kith evaluate.{revision} {thesis.source()}"
