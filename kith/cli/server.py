"""The command that serves."""

import typer

app = typer.Typer()
