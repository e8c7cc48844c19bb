"""The parts of the report, in the order in which they are read."""

from collections.abc import Iterator

from evaluation.report import about, budget, costs, ours, pairs, thesis
from evaluation.report.controls import Controls
from evaluation.report.headline import headline_table
from evaluation.report.journals import Journals
from evaluation.report.measured import Measured
from evaluation.report.page import Section
from evaluation.report.pictures import Pictures
from evaluation.report.sources import sources
from evaluation.results import Results
from evaluation.samples import Task


def sections(
    found: Results, measures: Measured, journals: Journals, pictures: Pictures
) -> Iterator[Section]:
    """All of them, also those in which there is nothing.

    Args:
        found: The results.
        measures: Their figures.
        journals: What only the answers tell.
        pictures: Draws the figures.
    """
    yield from _first(found, measures, journals, pictures)
    yield from _tables(measures, pictures)
    yield from _closer(measures, journals, pictures)
    yield Section("cost", "What it costs", "", (costs.costs(measures),), "Costs were not asked.")
    yield Section("run", "How it was run", about.INTERVALS, tuple(about.tables(found)))


def _first(
    found: Results, measures: Measured, journals: Journals, pictures: Pictures
) -> Iterator[Section]:
    held = Controls(measures, journals.as_it_is, journals.controlled)
    yield Section(
        "headline",
        "Headline",
        "",
        (headline_table(measures, about.told(found)), *pictures.headline(), held.summary()),
        "No figure that tells most is measured yet.",
    )
    yield Section(
        "needs", "What each method needs", about.told(found), (thesis.needs(found.methods),)
    )
    yield Section(
        "controls",
        "Controls and chance",
        "What is withheld or spoilt on purpose, to hold the figures against.",
        (held.table(),),
        "No control was asked.",
    )
    yield Section(
        "pairs",
        "Method against method",
        "",
        (pairs.comparisons(found.comparisons, measures),),
        "It takes two methods that answered the same questions.",
    )


def _tables(measures: Measured, pictures: Pictures) -> Iterator[Section]:
    of_thesis = {one.number: one for one in thesis.tables(measures)}
    yield Section(
        "recognition",
        "Recognition",
        "Is it there? The language model says yes or no, by the protocol of 4.2.2.",
        tuple(of_thesis[f"5.{number}"] for number in range(1, 6)),
    )
    yield Section(
        "captioning",
        "Captioning",
        "Which concepts does a caption name that was asked for without naming any?",
        tuple(of_thesis[f"5.{number}"] for number in range(6, 10)),
    )
    yield Section(
        "numbers",
        "Several concepts in a photo",
        "",
        (*pictures.numbers(), ours.by_number(measures)),
        "Captions were not asked.",
    )
    yield Section(
        "memory",
        "Large memories",
        "",
        (*pictures.memories(), ours.by_memory(measures)),
        "No memory of another size was asked (--memory-sizes).",
    )
    yield Section(
        "sources",
        "Original against generated photos",
        "",
        (sources(measures), *pictures.by_concept()),
        "No dataset called original, of other photos of the same concepts, was measured.",
    )
    yield Section(
        "more",
        "Beyond the thesis",
        "",
        tuple(ours.tables(measures)),
        "No task but those of the thesis was asked.",
    )


def _closer(measures: Measured, journals: Journals, pictures: Pictures) -> Iterator[Section]:
    yield Section(
        "thresholds",
        "The threshold",
        "",
        tuple(pictures.thresholds()),
        "Recognition without a language model was asked of no method that tells scores.",
    )
    yield Section(
        "look-alikes",
        "Look-alikes",
        "",
        (
            *pictures.look_alikes(),
            ours.look_alikes(measures),
            journals.confusions.table(measures.methods),
        ),
        "No concept that was asked about has a look-alike, or no method finds concepts by itself.",
    )
    absent = measures.absent(Task.IDENTIFICATION, journals.budgets.of)
    yield Section(
        "budget",
        "Where concepts are lost",
        f"In photos of {measures.splits} that show several concepts.",
        (*pictures.budget(), budget.table(journals.budgets, measures.methods, absent)),
        "It takes captions of such photos, what is found in them and where concepts are, of a "
        "method that finds concepts by itself.",
    )
    yield Section(
        "gallery",
        "Gallery",
        f"Answers about photos of {measures.splits}, and of strangers, chosen by chance: few of "
        "each kind, right and wrong ones alike, so that they tell nothing of how many there are. A "
        "box is where a concept is; a dashed one was missed.",
        (journals.candidates.gallery(measures.methods),),
        "There is no answer to show, or its photo can't be read any more.",
    )
