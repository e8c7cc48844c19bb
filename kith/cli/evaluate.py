"""The commands that measure methods. What they do stands in the room `evaluation`."""

import os
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.text import Text

from kith.cli.bar import bar
from kith.cli.human import simple_table
from kith.cli.listed import controls_of, each_of, listed, numbers, share
from kith.cli.measured import Door, openings
from kith.cli.options import Context
from kith.cli.session import Session, say
from kith.local import datagen_module, evaluation_module
from kith.words import counted

app = typer.Typer()
evaluate = typer.Typer(invoke_without_command=True)
app.add_typer(evaluate, name="evaluate")

_METHODS: Final = "kith,rap,none"
_SIZES: Final = {False: "10,100,1000", True: "8,100"}
"""Sizes of the memory that the offline bench is measured with; True for the quick one."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", show_default=False)]


@evaluate.callback()
def measure(
    context: Context,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where answers, figures and the report go.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small part of everything, in ten minutes.")
    ] = False,
    methods: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What to measure, with commas between: kith, rap, none, yollava-s, yollava-m, "
            "mc-llava, myvlm. With --server the method is the server's.",
        ),
    ] = _METHODS,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="A dataset; as often as you like. Left out, the offline bench is made in "
            "DIR/data: Playroom's MP-Bench, and original pictures of the same concepts.",
        ),
    ] = None,
    outside: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures of one thing each that is nobody's."),
    ] = None,
    outside_multi: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures of several such things each."),
    ] = None,
    distractors: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="A dataset whose concepts fill larger memories. Methods that train look for "
            "negatives in it, if KITH_NEGATIVES names no other folder.",
        ),
    ] = None,
    tasks: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What to ask, with commas between: recognition, retrieval, captioning, "
            "questions, identification, strangers, look-alikes, grounding, edits, cost; left out, "
            "all of them.",
        ),
    ] = "",
    controls: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="What to withhold or spoil, with commas between: no-memory, blank-photo, "
            "shuffled-references, true-references, or nothing; left out, all of them.",
        ),
    ] = "",
    memory_sizes: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBERS",
            help="Concepts in further memories, with commas between; left out, 10,100,1000 with "
            "the offline bench (8,100 if quick), else none. A method that trains is measured in "
            "the smallest alone.",
            show_default=False,
        ),
    ] = None,
    openai_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Measure a system that is not ours, behind the OpenAI chat API, as in "
            "http://127.0.0.1:8123/v1: it is shown pictures of the concepts that a question is "
            "about. OPENAI_API_KEY is its key.",
        ),
    ] = None,
    openai_model: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which of its models.")
    ] = None,
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, help="Questions that are asked at once.")
    ] = 2,
    seed: Annotated[int, typer.Option(min=0, help="Where chance begins.")] = 0,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="The share of one of N workers, from 0/N on.")
    ] = "0/1",
) -> None:
    """Measure methods and write the figures, or go on with that.

    Stopped anywhere, the same command goes on where it was. Several workers with the same --out and
    a --shard each share the work; who ends last writes the figures of all.

    On two cores the offline bench should take under three hours for kith, rap and none. To that end
    recognition asks about 3 photos a concept with a memory of 40, where the thesis asks about 8:
    its queries grow with the square of the concepts. Controls and further memories are asked about
    the photos of a few concepts.

    The last line tells the headline figures.
    """
    if context.invoked_subcommand:
        return
    if out is None:
        raise typer.BadParameter("name the folder of the run", param_hint="--out")
    session = context.obj
    samples = evaluation_module("evaluation.samples")
    asked = tuple(each_of(samples.Task, listed(tasks), "tasks"))
    withheld = controls_of(samples.Control, listed(controls))
    sizes = numbers(memory_sizes if memory_sizes is not None else "" if data else _SIZES[quick])
    index, of = share(shard)
    door = Door(openai_url, openai_model) if openai_url else None
    bench = {} if data else _bench(out / "data", quick=quick)
    further = distractors or bench.get("distractors")
    if further:
        os.environ.setdefault("KITH_NEGATIVES", str(further))  # read where a method is started
    with session.waiting("Starting ..."):
        memory = out / "memory" / f"{index}-of-{of}"
        systems = openings(session, memory, listed(methods), door)
    settings = evaluation_module("evaluation.plan").Settings(
        methods=tuple(systems),
        datasets=tuple(data or bench["datasets"]),
        outside=outside or bench.get("outside"),
        outside_multi=outside_multi or bench.get("outside_multi"),
        distractors=further,
        tasks=asked,
        controls=withheld,
        memory_sizes=tuple(sizes),
        quick=quick,
        seed=seed,
        shard=(index, of),
        concurrency=concurrency,
    )
    _run(session, settings, out, systems)


@evaluate.command()
def check(
    context: Context,
    folder: Folder,
    outside: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures of one thing each that is nobody's."),
    ] = None,
    outside_multi: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures of several such things each."),
    ] = None,
) -> None:
    """Count what a dataset holds, and say what is missing."""
    forms, checking = (
        evaluation_module("evaluation.datasets"),
        evaluation_module("evaluation.check"),
    )
    with context.obj.waiting("Looking through it ..."):
        dataset = forms.read(folder, outside=outside, outside_multi=outside_multi)
        counts, problems = checking.counts(dataset), checking.problems(dataset)
    table = simple_table("what", "how many")
    for what, number in counts.items():
        table.add_row(what.replace("_", " "), f"{number:,}")
    end = counted(len(problems), "problem") if problems else "Nothing is missing."
    said = Group(table, *(Text(problem, "yellow") for problem in problems), Text(end))
    context.obj.show({"counts": counts, "problems": problems}, said)


@evaluate.command()
def report(context: Context, folder: Folder) -> None:
    """Write the report of a run: report.html, report.md and its figures."""
    writing = evaluation_module("evaluation.report")
    with context.obj.waiting("Writing the report ..."):
        page = writing.write(folder)
    context.obj.show({"report": str(page)}, Text(f"Report: {page}"))


def _run(session: Session, settings: Any, out: Path, systems: Any) -> None:  # noqa: ANN401
    """Run, with a bar, and show the headline figures."""
    told: list[Any] = []
    with bar() as shown:
        task = shown.add_task("")

        def tell(progress: Any) -> None:  # noqa: ANN401 - see kith.local
            told[:] = [progress]
            failed = f", {progress.failed} failed" if progress.failed else ""
            said = f"{progress.doing}{failed}"
            shown.update(task, total=progress.planned, completed=progress.done, description=said)

        results = evaluation_module("evaluation.run").run(settings, out, systems, tell)
    headline = evaluation_module("evaluation.headline")
    failed, problem = told[-1].failed, told[-1].problem
    if failed and not session.as_json:
        said = f"{counted(failed, 'question')} failed; the same command asks again. The last one: "
        say(Text(f"{said}{problem}", "yellow"))
    form = {"out": str(out), "complete": results.complete, "failed": failed}
    session.show(form | headline.form(results), Text(headline.said(results)))


def _bench(folder: Path, *, quick: bool) -> dict[str, Any]:
    """The offline bench, made if it is not there."""
    making = datagen_module("evaluation.bench")
    turns = evaluation_module("evaluation.folder")
    with bar() as shown, turns.one_by_one(folder):
        task = shown.add_task("")
        datasets = making.build(
            folder,
            quick=quick,
            progress=lambda what, done, of: shown.update(
                task, total=of, completed=done, description=what
            ),
        )
    return {
        "datasets": datasets,
        "outside": folder / making.OUTSIDE,
        "outside_multi": folder / making.OUTSIDE_MULTI,
        "distractors": folder / making.DISTRACTORS,
    }
