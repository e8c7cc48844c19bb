"""The commands that measure methods. What they do stands in the room `evaluation`."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Group
from rich.text import Text

from kith.cli import choices
from kith.cli.bar import told
from kith.cli.human import simple_table
from kith.cli.listed import controls_of, each_of, listed, numbers, share
from kith.cli.measured import Door, openings
from kith.cli.options import Context
from kith.cli.session import Session, say
from kith.errors import InvalidInput
from kith.local import datagen_module, evaluation_module, server_module
from kith.words import counted

app = typer.Typer()
evaluate = typer.Typer(invoke_without_command=True)
app.add_typer(evaluate, name="evaluate")

_SIZES: Final = {False: "10,100,1000", True: "8,40"}
"""Sizes of the memory that the offline bench is measured with; True for the quick one."""

Folder = Annotated[Path, typer.Argument(metavar="DIR", show_default=False)]


@evaluate.callback()
def measure(
    context: Context,
    out: choices.Out = None,
    quick: choices.Quick = False,
    whole: choices.Whole = False,
    methods: choices.Methods = "kith,rap,none",
    data: choices.Data = None,
    outside: choices.Outside = None,
    outside_multi: choices.OutsideMulti = None,
    distractors: choices.Distractors = None,
    tasks: choices.Tasks = "",
    controls: choices.Controls = "",
    memory_sizes: choices.MemorySizes = None,
    openai_url: choices.OpenAIURL = None,
    openai_model: choices.OpenAIModel = None,
    concurrency: choices.Concurrency = 2,
    seed: choices.Seed = 0,
    shard: choices.Shard = "0/1",
) -> None:
    """Measure methods and write the report, or go on with that.

    Stopped anywhere, the same command goes on where it was, and further methods may join. Several
    workers with the same --out and a --shard each share the work; who ends last writes the figures
    of all.

    The whole offline bench takes hours on two cores. It asks for a concept in 1 photo of each, with
    a memory of 80, where the thesis has 8 and 40: recognition's queries grow with the square of the
    concepts. With --whole it asks as the thesis does. Controls and further memories are asked about
    the photos of a few concepts.

    The last line tells the headline figures.
    """
    if context.invoked_subcommand:
        return
    if out is None:
        raise typer.BadParameter("name the folder of the run", param_hint="--out")
    if quick and whole:
        raise typer.BadParameter("give one of --quick and --whole", param_hint="--whole")
    # What is mistyped is told before anything is made.
    samples = evaluation_module("evaluation.samples")
    chosen = {
        "tasks": tuple(each_of(samples.Task, listed(tasks), "tasks")),
        "controls": controls_of(samples.Control, listed(controls)),
        "memory_sizes": _sizes(memory_sizes, is_bench=not data, quick=quick),
        "shard": share(shard),
    }
    beside = {"outside": outside, "outside_multi": outside_multi, "distractors": distractors}
    _refuse_inside(out, [*(data or ()), *filter(None, beside.values())])
    door = Door(openai_url, openai_model) if openai_url is not None else None
    systems = _systems(context.obj, out, chosen["shard"], listed(methods), door)
    pictures = _pictures(data, beside, out / "data", quick=quick)
    settings = evaluation_module("evaluation.plan").Settings(
        methods=tuple(systems),
        **pictures,
        **chosen,
        quick=quick,
        extent=evaluation_module("evaluation.extent").WHOLE if whole else None,
        seed=seed,
        concurrency=concurrency,
    )
    _tell(context.obj, out, *_run(settings, out, systems))


@evaluate.command()
def check(
    context: Context,
    folder: Folder,
    outside: choices.Outside = None,
    outside_multi: choices.OutsideMulti = None,
) -> None:
    """Count what a dataset holds, and say what is missing.

    Ends with 1 if anything is.
    """
    forms, checking = (
        evaluation_module("evaluation.datasets"),
        evaluation_module("evaluation.check"),
    )
    clean_name = server_module("memory_db.names").clean_name
    with context.obj.waiting("Looking through it ..."):
        dataset = forms.read(folder, outside=outside, outside_multi=outside_multi)
        counts = checking.counts(dataset)
        problems = [*checking.unfit_names(dataset, clean_name), *checking.problems(dataset)]
        fewer = checking.fewer(dataset)
    table = simple_table("what", "how many")
    for what, number in counts.items():
        table.add_row(what.replace("_", " "), f"{number:,}")
        if what == "dropped":
            for why, some in dataset.dropped.items():
                table.add_row(f"  {why}", f"{some:,}")
    end = f"Nothing {'else ' if fewer else ''}is missing."
    if problems:
        end = counted(len(problems), "problem")
    said = Group(table, *(Text(one, "yellow") for one in (*problems, *fewer)), Text(end))
    form = {"counts": counts, "dropped": dict(dataset.dropped), "problems": problems}
    context.obj.show(form | {"fewer": fewer}, said)
    if problems:
        raise typer.Exit(1)


@evaluate.command()
def report(context: Context, folder: Folder) -> None:
    """Write the report of a run: report.html, report.md and its figures."""
    page = _report(context.obj, folder)
    context.obj.show({"report": str(page)}, Text(f"Report: {page}"))


def _sizes(words: str | None, *, is_bench: bool, quick: bool) -> tuple[int, ...]:
    """Concepts in further memories."""
    return tuple(numbers(words if words is not None else _SIZES[quick] if is_bench else ""))


def _refuse_inside(out: Path, folders: Sequence[Path]) -> None:
    """End a run that would write among the pictures that it asks about.

    Raises:
        InvalidInput: Its folder is one of these, or lies in one.
    """
    for folder in folders:
        if out.resolve().is_relative_to(folder.resolve()):
            raise InvalidInput(
                f"out: {out} lies in {folder}, whose pictures the run asks about; name a folder "
                "that is not in it",
                reason="OUT_IN_DATASET",
                field="out",
            )


def _pictures(
    data: Sequence[Path] | None, beside: Mapping[str, Path | None], bench: Path, *, quick: bool
) -> dict[str, Any]:
    """The datasets and what is beside them: those that are given, else those of the bench."""
    found = {"datasets": tuple(data)} if data else _bench(bench, quick=quick)
    found |= {name: folder for name, folder in beside.items() if folder}
    if further := found.get("distractors"):
        os.environ.setdefault("KITH_NEGATIVES", str(further))  # read where a method is started
    return found


def _bench(folder: Path, *, quick: bool) -> dict[str, Any]:
    """The offline bench, made if it is not there."""
    making = datagen_module("evaluation.bench")
    turns = evaluation_module("evaluation.folder")
    with told() as tell, turns.one_by_one(folder):
        datasets = making.build(folder, quick=quick, progress=tell)
    return {
        "datasets": tuple(datasets),
        "outside": folder / making.OUTSIDE,
        "outside_multi": folder / making.OUTSIDE_MULTI,
        "distractors": folder / making.DISTRACTORS,
    }


def _systems(
    session: Session, out: Path, shard: tuple[int, int], methods: Sequence[str], door: Door | None
) -> dict[str, Callable[[], Any]]:
    """How each method is started or reached; workers have memories of their own."""
    index, of = shard
    with session.waiting("Starting ..."):
        return openings(session, out / "memory" / f"{index}-of-{of}", methods, door)


def _run(settings: Any, out: Path, systems: Any) -> tuple[Any, Any]:  # noqa: ANN401 - see kith.local
    """Run, and tell how far it is. The results, and the last that was told."""
    last: list[Any] = []
    with told() as tell:

        def listen(progress: Any) -> None:  # noqa: ANN401 - as above
            last[:] = [progress]
            failed = f", {progress.failed} failed" if progress.failed else ""
            tell(f"{progress.doing}{failed}", progress.done, progress.planned)

        results = evaluation_module("evaluation.run").run(settings, out, systems, listen)
    return results, last[-1]


def _report(session: Session, folder: Path) -> Path:
    """Write the report of a run; its page."""
    writing = evaluation_module("evaluation.report")
    with session.waiting("Writing the report ..."):
        page: Path = writing.write(folder)
    return page


def _tell(session: Session, out: Path, results: Any, progress: Any) -> None:  # noqa: ANN401
    """Say what was not asked, what failed, where the report is, and the headline figures."""
    headline = evaluation_module("evaluation.headline")
    page, failed = _report(session, out), progress.failed
    if names := results.without_outside:
        typer.echo(
            f"No negatives from outside were asked of {', '.join(names)}: name pictures that show "
            "nobody with --outside and --outside-multi.",
            err=True,
        )
    if not session.as_json:
        for one in results.nothing_to_ask:
            say(Text(f"Nothing to ask: {one['task']} of {one['dataset']}: {one['why']}.", "yellow"))
        if failed:
            again = "failed; the same command asks again. The last one: "
            say(Text(f"{counted(failed, 'question')} {again}{progress.problem}", "yellow"))
        say(Text(f"Report: {page}, and the same as {page.with_suffix('.md')}"))
    form = {
        "out": str(out),
        "report": str(page),
        "complete": results.complete,
        "failed": failed,
        "nothing_to_ask": list(results.nothing_to_ask),
    }
    session.show(form | headline.form(results), Text(headline.said(results)))
    if failed:
        raise typer.Exit(1)
