"""What people read in place of JSON."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kith.messages import (
    Answer,
    Box,
    Capabilities,
    Concept,
    Edit,
    Imported,
    Loss,
    Recognition,
    Retrieval,
    Training,
)

_WITHOUT: Final[Mapping[Loss, str]] = {
    "memory": "the memory",
    "photos": "a look at the photo",
    "words": "the language model",
    "training": "what is not trained yet",
}


def remembered(one: Concept, verb: str = "Remembered") -> RenderableType:
    """A concept that was just made or changed."""
    views = len(one.positive_views)
    kind = f" ({one.category})" if one.category else ""
    line = Text.assemble(
        f"{verb} ", tag(one.display_name), kind, f", {views} view{'' if views == 1 else 's'}"
    )
    return Group(line, Text(one.description, "dim")) if one.description else line


def concepts(all_of_them: Iterable[Concept]) -> RenderableType:
    """A table of concepts."""
    table = simple_table("concept", "category", "views", "description")
    for one in all_of_them:
        note = "" if one.state == "ready" else f" ({one.state})"
        if one.state == "forgotten":
            note = f" (forgotten, gone {_when(one.purged)})"
        table.add_row(
            Text.assemble(tag(one.display_name), note),
            Text(one.category),
            str(len(one.positive_views)),
            Text(one.description),
        )
    return table if table.row_count else Text("Nothing is remembered yet: kith remember NAME IMAGE")


def concept_in_full(one: Concept) -> RenderableType:
    """A concept with each of its views."""
    views = simple_table("view", "box", "shows", "added")
    for view in one.views:
        shows = Text("what it is not", "red") if view.negative else Text("it")
        views.add_row(_last(view.name), _box(view.box, "whole photo"), shows, _when(view.created))
    facts = Text(f"{one.name}, edited {_when(one.updated)}", "dim")
    return Group(remembered(one, "This is"), facts, views)


def forgotten(one: Concept) -> RenderableType:
    """A forgotten concept."""
    until = f" until {_when(one.purged)}" if one.purged else ""
    return Text.assemble(
        "Forgot ", tag(one.display_name), f"; 'kith forget --undo' brings it back{until}"
    )


def edit(one: Edit) -> RenderableType:
    """One line of a watched memory."""
    if one.concept is None:
        return Text("Watching; Ctrl-C ends it.", "dim")
    who = one.concept.display_name
    return Text.assemble(
        (f"{_when(one.edited)}  ", "dim"), f"{one.kind} ", tag(who) if who else one.concept.name
    )


def retrieval(image: str, found: Retrieval) -> RenderableType:
    """What was found in one photo."""
    names = [part for used in found.accepted for part in (" ", tag(used.concept))]
    head = Text.assemble((image, "bold"), ":", *(names or [" nobody known"]))
    table = simple_table("box", "looks like", "score", "nearest", "distance", "")
    for region in found.regions:
        for number, match in enumerate(region.matches[:3] or (None,)):
            start = (_box(region.box), region.category or "whole photo", f"{region.score:.2f}")
            near = (
                ("", "", "")
                if match is None
                else (
                    tag(match.concept),
                    f"{match.distance:.2f}",
                    Text("accepted", "green") if match.accepted else "",
                )
            )
            table.add_row(*(("", "", "") if number else start), *near)
    return Group(head, table) if found.regions else head


def recognitions(all_of_them: Iterable[Recognition]) -> RenderableType:
    """Which concepts a photo shows."""
    table = simple_table("concept", "there", "score", "box")
    for one in all_of_them:
        there = Text("yes", "green") if one.present else Text("no", "red")
        table.add_row(tag(one.concept), there, f"{one.score:.2f}", _box(one.box))
    return table


def sources(given: Answer) -> RenderableType:
    """What an answer rests on, to stand under it."""
    lines = []
    for used in given.concepts:
        where = f", at {_box(used.box)}" if used.box else ""
        # Nobody has looked for one that was only named, so that there is no score of it.
        sure = "" if used.image_index is None else f" {used.score:.2f}"
        line = Text.assemble("  ", tag(used.concept), f"{sure}{where}", style="dim")
        lines.append(line)
    if lost := given.degradation:
        without = _WITHOUT[lost.loss]
        lines.append(Text(f"  (answered without {without}: {lost.message})", "yellow"))
    if not given.complete:
        lines.append(Text("  (cut off at the longest answer)", "dim"))
    return Group(*lines)


def imported(done: Imported) -> RenderableType:
    """What came of an import."""
    head = Text(f"Remembered {len(done.concepts)}, left out {len(done.problems)}")
    table = simple_table("left out", "why")
    for problem in done.problems:
        table.add_row(Text(problem.entry), Text(problem.message or problem.reason))
    return Group(head, table) if done.problems else head


def capabilities(can: Capabilities) -> RenderableType:
    """What a method needs and can do."""
    table = simple_table("what", "")
    for what, value in vars(can).items():
        shown = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
        if what != "models":
            table.add_row(what.replace("_", " "), shown)
    for model in can.models:
        table.add_row(model.stage, model.name)
    return table


def trainings(all_of_them: Iterable[Training], names: Mapping[str, str]) -> RenderableType:
    """A table of trainings, the oldest first.

    Args:
        all_of_them: Those to show.
        names: Display names of concepts, by their resource names.
    """
    table = simple_table("concepts", "state", "epochs", "loss", "left", "")
    for one in all_of_them:
        who = [names.get(concept, _last(concept)) for concept in one.concepts]
        before = one.queue_position
        table.add_row(
            Text(" ").join(map(tag, who)),
            f"queued, {before} before it" if one.state == "queued" else one.state,
            _epochs(one),
            f"{one.loss:.3f}" if one.epochs_total else "",
            "" if one.done or one.remaining_s is None else duration(one.remaining_s),
            Text(one.error if one.state == "failed" else ""),
        )
    return table if table.row_count else Text("Nothing was trained yet: kith train NAME")


def _epochs(one: Training) -> str:
    if not one.epochs_total:
        return ""
    told = f"{one.epochs_done} of {one.epochs_total}"
    return f"stopped after {told}, nothing got better" if one.stopped_early else told


def duration(seconds: float) -> str:
    """As people say it."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def tag(name: str) -> Text:
    """A concept's name as questions write it."""
    return Text(f"<{name}>", "bold cyan")


def simple_table(*columns: str) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _box(box: Box | None, otherwise: str = "") -> str:
    return otherwise if box is None else ",".join(f"{edge:.0f}" for edge in box)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _when(moment: datetime | None) -> str:
    return "" if moment is None else moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")
