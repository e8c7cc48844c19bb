"""Draws the contact sheet, views of one concept, or a picture each of many strangers."""

import argparse
from pathlib import Path

from datagen.playroom.folders import save_strangers, save_views
from datagen.playroom.sheet import save_sheet
from datagen.playroom.vocabulary import CATEGORIES


def main() -> None:
    """Read the command line and do it."""
    parser = argparse.ArgumentParser(prog="python -m datagen.playroom", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    sheet = commands.add_parser("sheet", help="draw the contact sheet")
    sheet.add_argument("--out", type=Path, required=True, metavar="PNG", help="where to save it")
    views = commands.add_parser("views", help="draw views of one concept")
    views.add_argument("--category", choices=CATEGORIES, required=True, help="its kind")
    strangers = commands.add_parser("strangers", help="draw a picture each of many strangers")
    for folder, count in ((views, 10), (strangers, 400)):
        folder.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder")
        folder.add_argument("--seed", type=int, default=0, help="where chance begins")
        folder.add_argument("--count", type=int, default=count, help=f"pictures; {count}")
    asked = parser.parse_args()
    if asked.command == "sheet":
        save_sheet(asked.out)
    elif asked.command == "views":
        save_views(asked.out, asked.category, asked.seed, asked.count)
    else:
        save_strangers(asked.out, asked.seed, asked.count)


if __name__ == "__main__":
    main()
