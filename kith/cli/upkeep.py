"""The commands on memories that nobody has open: `kith memory ...`."""

# ruff: noqa: D301  (Typer leaves the lines after a \b as they are)

import asyncio
from typing import Annotated, Any

import typer
from rich.console import Console, Group
from rich.progress import MofNCompleteColumn, Progress, TaskID
from rich.text import Text

from kith.cli.human import simple_table
from kith.cli.options import Context
from kith.cli.server import settings_of
from kith.local import server_module

app = typer.Typer(name="memory", help="Mend memories, or move them to another embedding model.")


@app.command("repair")
def repair(context: Context) -> None:
    """Collect what crashes and lost files left behind.

    In the memories of all users, or of --user; none of them may be open. On a Qdrant server
    (KITH_MEMORY_URL) nothing can see to that: stop every assistant that uses it first.

    \b
    With --json:
    {"memories": [{"user": "me-2744ccd10c7533bd", "model": "...",
                   "photos_collected": 0, "views_dropped": 0, "concepts_dropped": 0}]}
    """
    session = context.obj
    session.refuse_server("memory repair")
    upkeep = server_module("services.assistant.upkeep")
    with session.waiting("Mending ..."):
        done = upkeep.mend(settings_of(session, None), session.user)
    memories = [_named(one.memory) | one.repaired._asdict() for one in done]
    table = simple_table("user", "model", "photos collected", "views dropped", "concepts dropped")
    for memory in memories:
        table.add_row(*map(str, memory.values()))
    session.show({"memories": memories}, table if memories else Text("There is no memory."))


@app.command("reindex")
def reindex(
    context: Context,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="The embedding model it has now; needed when there are several.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Move memories to the embedding model of the profile.

    Made anew from the stored photos; cut short, it goes on where it was. For the memories of all
    users, or of --user; none of them may be open. On a Qdrant server (KITH_MEMORY_URL) nothing can
    see to that: stop every assistant that uses it first.

    \b
    With --json, "left" being concepts whose names are taken there:
    {"memories": [{"user": "me-2744ccd10c7533bd", "model": "...", "to": "...",
                   "concepts": 5, "views": 9, "left": []}]}
    """
    session = context.obj
    session.refuse_server("memory reindex")
    upkeep = server_module("services.assistant.upkeep")
    with _bars() as bars:
        tasks: dict[str, TaskID] = {}

        def tell(memory: Any, done: int, of: int) -> None:  # noqa: ANN401 - see kith.local
            if memory.user not in tasks:
                tasks[memory.user] = bars.add_task(memory.user)
            bars.update(tasks[memory.user], completed=done, total=of)

        moving = upkeep.move(settings_of(session, None), session.user, source, tell)
        done = asyncio.run(moving)
    memories = [_named(one.memory) | {"to": one.model} | one.moved._asdict() for one in done]
    table = simple_table("user", "from", "to", "concepts", "views", "left: the name is taken")
    for memory in memories:
        left = ", ".join(memory["left"])
        table.add_row(*map(str, [*memory.values()][:5]), Text(left, "red"))
    nothing = Text("There is nothing to move.")
    hint = Text("Rename what has the name there, and run this again.")
    said = Group(table, hint) if any(one["left"] for one in memories) else table
    session.show({"memories": memories}, said if memories else nothing)


def _named(memory: Any) -> dict[str, Any]:  # noqa: ANN401 - see kith.local
    return {"user": memory.user, "model": memory.model}


def _bars() -> Progress:
    """A bar a memory, on a terminal."""
    return Progress(
        *Progress.get_default_columns(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
