"""The program `kith`: its commands, and the options that stand before a command."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kith.cli import (
    datagen,
    evaluate,
    mcp,
    memory,
    models,
    questions,
    server,
    show,
    training,
    up,
    upkeep,
)
from kith.cli.session import Session

app = typer.Typer(
    name="kith",
    help=(
        "A personal visual memory: remember, recognise, ask.\n\n"
        "Leaves with 0; with 2 and one line on standard error for what was asked wrongly, with 1 "
        "and one line for what failed, with 130 after Ctrl-C."
    ),
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (show, server, up, mcp, memory, training, questions, models, upkeep, datagen, evaluate):
    app.add_typer(part.app)


@app.callback()
def options(
    context: typer.Context,
    server: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            envvar="KITH_SERVER",
            help="A running server; left out, everything runs in this process.",
        ),
    ] = None,
    memory: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the memory lies; left out, KITH_MEMORY or your data folder.",
        ),
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(metavar="NAME", envvar="KITH_USER", help="Whose memory; left out, me."),
    ] = None,
    token: Annotated[
        str | None,
        typer.Option(
            metavar="TOKEN",
            envvar="KITH_TOKEN",
            help="What proves to a server who you are; better set than typed.",
        ),
    ] = None,
    tls_ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="KITH_TLS_CA",
            help="PEM file of the authorities that vouch for a server that speaks TLS.",
        ),
    ] = None,
    tls_cert: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            envvar="KITH_TLS_CERT",
            help="PEM file of the certificate to show a server that asks for one.",
        ),
    ] = None,
    tls_key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", envvar="KITH_TLS_KEY", help="PEM file of its private key."),
    ] = None,
    method: Annotated[
        Literal["kith", "rap", "none", "yollava-s", "yollava-m", "mc-llava", "myvlm"] | None,
        typer.Option(help="How concepts are known; left out, kith. Those from yollava-s on train."),
    ] = None,
    profile: Annotated[
        Literal["pocket", "full"] | None,
        typer.Option(help="Which models; left out, pocket."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The folder with the models of the profile."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON, for programs to read.")
    ] = False,
) -> None:
    """Hand the options to the command that follows."""
    context.obj = Session(
        server, memory, user, token, method, profile, weights, as_json, tls_ca, tls_cert, tls_key
    )
