"""The report of a run: one page that needs nothing else, the same as Markdown, and its figures."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from evaluation import results
from evaluation.folder import one_by_one
from evaluation.report import about, budget, costs, ours, pairs, thesis
from evaluation.report.cells import Row, Table, share, table
from evaluation.report.controls import control_table
from evaluation.report.headline import ONE, SAID, STRANGERS, headline_table
from evaluation.report.journals import Journals
from evaluation.report.measured import Measured
from evaluation.report.page import Report, Section, is_empty, write_markdown, write_page
from evaluation.report.pictures import Pictures
from evaluation.results import Results
from kith.words import counted

__all__ = ["write"]


def write(folder: Path) -> Path:
    """Write `report.html`, `report.md` and `figures/` of what a run has measured so far.

    Args:
        folder: The run's, with its `results.json` and journals; see `evaluation.results`.

    Returns:
        The page.

    Raises:
        NotFound: There are no results.
    """
    results.read(folder)  # or nothing is made there
    with one_by_one(folder / ".locks" / "report"):  # workers with a shard each may end at once
        return _write(results.read(folder), folder)


def _write(found: Results, folder: Path) -> Path:
    measures = Measured(found)
    journals = Journals(folder, measures)
    pictures = Pictures(folder, measures, journals)
    sections = [
        replace(one, blocks=tuple(block for block in one.blocks if not is_empty(block)))
        for one in _sections(found, measures, journals, pictures)
    ]
    sections = [one for one in sections if one.blocks]
    report = Report("How well each method remembers", _intro(found), sections, _foot(found))
    write_markdown(report, folder)
    return write_page(report, folder)


def _sections(
    found: Results, measures: Measured, journals: Journals, pictures: Pictures
) -> Iterator[Section]:
    of_thesis = {one.number: one for one in thesis.tables(measures)}
    recognition = [of_thesis[f"5.{number}"] for number in range(1, 6)]
    captioning = [of_thesis[f"5.{number}"] for number in range(6, 10)]
    yield Section(
        "headline",
        "Headline",
        "",
        (headline_table(measures, about.told(found)), *pictures.headline()),
    )
    yield Section(
        "needs", "What each method needs", about.told(found), (thesis.needs(found.methods),)
    )
    yield Section(
        "recognition",
        "Recognition",
        "Is it there? The language model says yes or no, by the protocol of 4.2.2.",
        tuple(recognition),
    )
    yield Section(
        "captioning",
        "Captioning",
        "Which concepts does a caption name that was asked for without naming any?",
        (*captioning, *pictures.numbers()),
    )
    yield Section("more", "Beyond the thesis", "", tuple(ours.tables(measures)))
    yield Section(
        "controls",
        "Controls and chance",
        "What is withheld or spoilt on purpose, to hold the figures against.",
        (control_table(measures, journals.same_questions),),
    )
    yield Section(
        "pairs", "Method against method", "", (pairs.comparisons(found.comparisons, measures),)
    )
    yield Section("sources", "Original against generated photos", "", tuple(pictures.by_concept()))
    yield Section("thresholds", "The threshold", "", tuple(pictures.thresholds()))
    of_sizes = ours.by_memory(measures, (SAID, ONE, STRANGERS))
    yield Section("memory", "Large memories", "", (of_sizes, *pictures.memories()))
    taken = pairs.look_alikes(measures)
    yield Section("look-alikes", "Look-alikes", "", (*pictures.look_alikes(), taken))
    yield Section(
        "budget",
        "Where concepts are lost",
        "In photos that show several.",
        (*pictures.budget(), _budget(measures, journals)),
    )
    yield Section(
        "gallery",
        "Gallery",
        "Answers chosen by chance, few of each kind. A box is where a concept is; a dashed one "
        "was missed.",
        (journals.candidates.gallery(measures.methods),),
    )
    yield Section("cost", "What it costs", "", (costs.costs(measures),))
    yield Section("run", "How it was run", about.INTERVALS, tuple(about.tables(found)))


def _budget(measures: Measured, journals: Journals) -> Table:
    of = journals.budgets.of
    rows = [
        Row(
            name,
            tuple(share(of[name][stage], of[name].total(), "concept") for stage in budget.STAGES),
        )
        for name in measures.methods
        if name in of
    ]
    head = [budget.STAGES[0], *(f"lost by the {stage}" for stage in budget.STAGES[1:])]
    return table("The budget in numbers", head, rows)


def _intro(found: Results) -> str:
    unfinished = (
        "" if found.complete else " The run is not complete: not every question is answered."
    )
    return (
        f"{', '.join(found.methods)}, measured on {', '.join(found.datasets)} by the protocol of "
        f"MP-Bench: {counted(len(found.figures), 'figure')}, each with its 95 % interval and the "
        f"number of answers (n) that it rests on.{unfinished}"
    )


def _foot(found: Results) -> str:
    revision = f" Revision {found.revision}." if found.revision else ""
    return f"Written by kith evaluate.{revision} {thesis.source()}"
