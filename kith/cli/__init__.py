"""The command line: `kith`. The only part of Kith that prints."""

import os
import sys
from collections.abc import Sequence

from kith.cli.quiet import quiet
from kith.errors import AlreadyExists, InvalidInput, KithError, NotFound, Stale, Unauthenticated

BAD_INPUT = (InvalidInput, NotFound, AlreadyExists, Stale, Unauthenticated)
"""What whoever typed the command can mend."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns:
        0; 2 for bad input, with one line on standard error; 1 for a failure; 130 after Ctrl-C.
    """
    quiet()
    import typer

    from kith.cli.app import app

    try:
        # Not standalone: Typer would tell a usage error in several lines.
        given = sys.argv[1:] if arguments is None else arguments
        code = app(args=given or ["--help"], prog_name="kith", standalone_mode=False)
        sys.stdout.flush()
        return code if isinstance(code, int) else 0
    except typer.TyperException as error:
        return _fail(error.format_message(), error.exit_code)
    except KithError as error:
        return _fail(_said(error), 2 if isinstance(error, BAD_INPUT) else 1)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has left; the interpreter would complain when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _said(error: KithError) -> str:
    """What an error says, in the options of the command line."""
    if error.reason == "TOKEN_UNKNOWN":  # the server says how a call shows a token
        return f"{error}: put it into KITH_TOKEN, or give --token before the command"
    return str(error)


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"kith: {' '.join(message.split())}\n")
    return code
