"""`python -m datagen.playroom sheet --out PNG` draws the contact sheet."""

import argparse
from pathlib import Path

from datagen.playroom.sheet import save_sheet


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m datagen.playroom", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser("sheet", help="draw the contact sheet")
    sheet.add_argument("--out", type=Path, required=True, metavar="PNG", help="where to save it")
    save_sheet(parser.parse_args().out)


if __name__ == "__main__":
    main()
