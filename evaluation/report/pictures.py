"""The figures of the report: which there are, what they show, and what is said of them."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from evaluation.metrics import Counts, pr_curve
from evaluation.report import budget, plots
from evaluation.report.headline import (
    NUMBERS,
    RECALL,
    RECALL_OF_ONE,
    Headline,
    headline_bars,
    shown_numbers,
)
from evaluation.report.journals import Journals, Scores
from evaluation.report.measured import Key, Measured
from evaluation.report.page import Picture
from evaluation.report.plots import Curve, Interval
from evaluation.report.style import BLUE, GREEN, GREY, ORANGE, PINK, SKY, YELLOW
from evaluation.samples import Figure, Task
from evaluation.statistics import wilson

_STAGE_COLOURS: Final = dict(
    zip(budget.STAGES, (BLUE, GREEN, YELLOW, PINK, SKY, ORANGE), strict=True)
)
_METRICS: Final = ("accuracy", "precision", "recall")


class Pictures:
    """Draws into the folder `figures` of a run.

    Args:
        out: Of the run.
        measures: Its figures.
        journals: What only its answers tell.
    """

    def __init__(self, out: Path, measures: Measured, journals: Journals) -> None:
        self._folder = out / "figures"
        self._folder.mkdir(exist_ok=True)
        for old in self._folder.glob("*.svg"):
            old.unlink()
        self._measures = measures
        self._journals = journals

    def headline(self) -> Iterator[Picture]:
        """Bars of what tells most."""
        panels = headline_bars(self._measures)
        if panels:
            path = self._folder / "headline.svg"
            plots.bars(path, panels, self._measures.methods)
            yield Picture(
                path.name,
                "At a glance",
                "With 95 % intervals; of strangers fewer is better. A method has no figure where "
                f"it can't be asked, or where it is undefined.{self._measures.homes}",
            )

    def by_concept(self) -> Iterator[Picture]:
        """Original against generated photos, concept by concept, a figure a method."""
        for number, method in enumerate(self._measures.methods):
            by_source = self._journals.by_concept.get(method, {True: {}, False: {}})
            both = by_source[True].keys() & by_source[False].keys()
            if not both:
                continue
            path = self._folder / f"concepts-{number}.svg"
            plots.by_concept(
                path,
                {
                    metric: {
                        name: (
                            _interval(by_source[True][name], metric),
                            _interval(by_source[False][name], metric),
                        )
                        for name in both
                    }
                    for metric in _METRICS
                },
            )
            yield Picture(
                path.name,
                f"{method}: each concept in original and in generated photos",
                "Recognition of one concept, as in Figures 5.1, 5.2 and B.1 to B.6: of all queries "
                "for a concept, asked about its own photos, those of others and outside ones. "
                f"{_rests_on(by_source, both)} Wilson intervals; a metric that is undefined has no "
                "bar.",
                folded=number > 0,
            )

    def thresholds(self) -> Iterator[Picture]:
        """Precision over recall as the threshold on Recognize's score moves."""
        found = {
            method: _curve(scores)
            for method in self._measures.methods
            if (scores := self._journals.scores.get(method)) and _has_curve(scores)
        }
        if found:
            path = self._folder / "thresholds.svg"
            plots.curves(path, found)
            absent = self._measures.absent(Task.RETRIEVAL, found)
            yield Picture(
                path.name,
                "Precision and recall over the threshold",
                f"Of Recognize's scores on the recognition queries about {self._measures.splits} "
                "(n), of one concept, of several and of outside photos. A cross is not the end of "
                "what a method could find, but of what it tells: where nothing is near, Recognize "
                "gives no score, and what a looser threshold would accept there was not measured."
                f" {absent}",
            )

    def numbers(self) -> Iterator[Picture]:
        """Recall of captions by how many concepts a photo shows."""
        settings = shown_numbers(self._measures)
        series = {
            method: {
                NUMBERS[setting]: _as_interval(figure)
                for setting in settings
                if (
                    figure := Headline("", Task.CAPTIONING, (setting,), "recall").of(
                        self._measures, method, self._measures.home(method)
                    )
                )
            }
            for method in self._measures.methods
        }
        if len(settings) > 1:
            yield self._lines(
                "numbers.svg",
                {method: points for method, points in series.items() if points},
                ("concepts in the photo", "recall"),
                "Recall of captions by the number of concepts",
                "The share of the concepts in a photo that its caption names."
                f"{self._measures.homes}",
            )

    def memories(self) -> Iterator[Picture]:
        """Recall by the size of the memory."""
        if len(self._measures.sizes) < 2:
            return
        for file, one, what in (
            ("memory-recognition.svg", RECALL, "Recall of recognition"),
            ("memory-captions.svg", RECALL_OF_ONE, "Recall of captions of one concept"),
        ):
            series = {
                method: {
                    size: _as_interval(figure)
                    for size in self._measures.sizes
                    if (figure := one.of(self._measures, method, size))
                }
                for method in self._measures.methods
            }
            series = {method: points for method, points in series.items() if points}
            if series:
                yield self._lines(
                    file,
                    series,
                    ("concepts in the memory", "recall"),
                    f"{what} by the size of the memory",
                    "The same questions at each size. A method with one point draws on no memory, "
                    "or has to be trained, and is asked in the smallest alone.",
                    is_log=True,
                )

    def look_alikes(self) -> Iterator[Picture]:
        """What concepts with a look-alike are taken for."""
        taken = dict(self._taken_for())
        if taken:
            parts = {
                "itself": GREEN,
                "both": SKY,
                "the other": ORANGE,
                "neither": GREY,
            }
            path = self._folder / "look-alikes.svg"
            rows = {f"{name} (n {photos:,})": sizes for name, (photos, sizes) in taken.items()}
            plots.stacked(path, rows, parts, "of the photos of concepts that have a look-alike")
            yield Picture(
                path.name,
                "What is accepted where there is a look-alike",
                f"By Retrieve alone, in photos (n) of {self._measures.splits}. A method without a "
                "threshold, which takes the nearest two whatever they are, often has both. "
                f"{self._measures.absent(Task.LOOK_ALIKES, taken)}",
            )

    def budget(self) -> Iterator[Picture]:
        """Where the concepts of photos with several are lost."""
        of = self._journals.budgets.of
        rows = {
            f"{name} (n {sum(of[name].values()):,})": budget.shares(of[name])
            for name in self._measures.methods
            if name in of
        }
        if rows:
            path = self._folder / "budget.svg"
            axis = "of the concepts in photos that show several"
            plots.stacked(path, rows, _STAGE_COLOURS, axis)
            yield Picture(
                path.name,
                "Named, or lost by which stage",
                "Each concept (n) is named by the neutral caption, or in a line after it, or lost "
                f"at the first stage that fails it; the parts add up to all. Of "
                f"{self._measures.splits}.",
            )

    def _taken_for(self) -> Iterator[tuple[str, tuple[int, list[float]]]]:
        """Of each method the photos, and the shares of them."""
        for method in self._measures.methods:
            right, both, mistaken = (
                self._measures.over(
                    Key(method, dataset, Task.LOOK_ALIKES, "single", metric)
                    for dataset in self._measures.averaged
                )
                for metric in ("accuracy", "both", "mistaken")
            )
            if right and both and mistaken:
                known = [right.value, both.value, mistaken.value]
                yield method, (right.samples, [*known, max(0.0, 1 - sum(known))])

    def _lines(
        self,
        file: str,
        series: Mapping[str, Mapping[int, Interval]],
        axis_titles: tuple[str, str],
        title: str,
        says: str,
        *,
        is_log: bool = False,
    ) -> Picture:
        plots.lines(self._folder / file, series, axis_titles, is_log=is_log)
        return Picture(file, title, says)


def _rests_on(by_source: Mapping[bool, Mapping[str, Counts]], concepts: Collection[str]) -> str:
    """How many queries a pair of bars rests on, and how many of these are about its own photos."""
    told = []
    for title, counts in (("original", by_source[True]), ("generated", by_source[False])):
        asked = [counts[name].total for name in concepts]
        own = [counts[name].tp + counts[name].fn for name in concepts]
        told.append(f"{_span(asked)} about {title} photos, of which {_span(own)} show it")
    return f"Queries for each concept: {'; '.join(told)}."


def _span(numbers: Collection[int]) -> str:
    least, most = min(numbers), max(numbers)
    return f"{least:,}" if least == most else f"{least:,} to {most:,}"


def _has_curve(found: Scores) -> bool:
    return any(found.truths) and max(found.scores) > 0


def _curve(found: Scores) -> Curve:
    """The curve down to the least score that was told; 0 stands for none."""
    curve = pr_curve(found.scores, found.truths)
    told = curve.thresholds > 0
    decided = sum(map(Counts.of, found.truths, found.decided), Counts())
    recall, precision = decided.recall, decided.precision
    shipped = None if recall is None or precision is None else (recall, precision)
    recalls = curve.recalls[told]
    return Curve(
        curve.precisions[told],
        recalls,
        shipped,
        len(found.scores),
        is_cut=bool(recalls[-1] < 1),
    )


def _interval(counts: Counts, metric: str) -> Interval | None:
    """A share of counts with its Wilson interval, which holds for few of them too."""
    right, of = {
        "accuracy": (counts.tp + counts.tn, counts.total),
        "precision": (counts.tp, counts.tp + counts.fp),
        "recall": (counts.tp, counts.tp + counts.fn),
    }[metric]
    if not of:
        return None
    return Interval(right / of, *wilson(right, of), of)


def _as_interval(figure: Figure) -> Interval:
    return Interval(figure.value, figure.low, figure.high, figure.samples)
