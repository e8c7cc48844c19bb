"""Write docs/cli.md from the program's own help, or check that it is still true (--check)."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).with_name("cli.md")
PROGRAM = Path(sys.executable).with_name("kith")
HEAD = """# The command line

Written by `make docs` from `kith --help` and each command's own; a test holds it to that.
"""
# Plain text, one width, on every terminal.
ENVIRONMENT = os.environ | {
    "TYPER_USE_RICH": "0",
    "COLUMNS": "100",
    "TERM": "dumb",
    "NO_COLOR": "1",
}


def help_of(*command: str) -> str:
    """Return what `kith COMMAND --help` prints; raises CalledProcessError if it fails."""
    done = subprocess.run(
        [PROGRAM, *command, "--help"], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commands(text: str) -> list[str]:
    """Return the names in the "Commands:" part of a help text, in its order."""
    listed = re.search(r"^Commands:\n((?:  .*\n?)+)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", listed[1], re.MULTILINE) if listed else []


def sections(*command: str) -> list[str]:
    """Return the section of a command and those of the commands under it."""
    text = help_of(*command)
    title = " ".join(("kith", *command))
    own = f"\n## {title}\n\n```text\n{text}\n```\n"
    return [own] + [section for name in commands(text) for section in sections(*command, name)]


def main() -> int:
    """Write the page; with --check, return 1 if it differs instead."""
    page = HEAD + "".join(sections())
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page:
        return 0
    print("docs/cli.md differs from the program's help: run `make docs`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
