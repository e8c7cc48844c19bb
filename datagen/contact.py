"""The contact sheet: some pictures of a dataset at a glance, with boxes and names."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from PIL import Image, ImageDraw, ImageFont

from datagen.pictures import open_picture
from datagen.plan import PARTS
from datagen.rows import Row

_TILE: Final = 180
_LINE: Final = 16
_COLUMNS: Final = 8
_MOST: Final = {"seeds": 40, "train": 16, "test": 16, "multi": 32}
_PAPER: Final = (250, 249, 246)
_INK: Final = (40, 40, 46)
_COLORS: Final = ((214, 60, 60), (34, 110, 200), (20, 140, 80), (150, 80, 180))


class Tile(NamedTuple):
    """One picture on the sheet."""

    path: Path
    names: tuple[str, ...]
    boxes: tuple[tuple[float, ...], ...]
    """In shares of the picture; empty for a subject whose place nobody knows."""


def contact_sheet(out: Path, rows: Mapping[str, Sequence[Row]]) -> bytes:
    """The sheet of a dataset as a PNG of 256 colours: references, then each part, evenly picked.

    Args:
        out: The dataset's folder.
        rows: The lines of the metadata in each folder: "seeds" and the parts.
    """
    listed = {"seeds": _references(rows["seeds"])} | {part: rows[part] for part in PARTS}
    sections = [(name, _picked(out, name, lines), len(lines)) for name, lines in listed.items()]
    shown = [section for section in sections if section[1]]
    height = sum(_height(len(tiles)) for _, tiles, _ in shown)
    sheet = Image.new("RGB", (_COLUMNS * _TILE, height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    top = 0
    for name, tiles, number in shown:
        title = f"{name}: {len(tiles)} of {number}"
        pen.text((6, top + 8), title, _INK, ImageFont.load_default(18))
        for place, tile in enumerate(tiles):
            row, column = divmod(place, _COLUMNS)
            at = (column * _TILE, top + 2 * _LINE + row * (_TILE + _LINE))
            sheet.paste(_draw(tile), at)
        top += _height(len(tiles))
    buffer = io.BytesIO()
    sheet.quantize(256, dither=Image.Dither.NONE).save(buffer, "PNG")
    return buffer.getvalue()


def _height(tiles: int) -> int:
    return 2 * _LINE + -(-tiles // _COLUMNS) * (_TILE + _LINE)


def _picked(out: Path, name: str, rows: Sequence[Row]) -> list[Tile]:
    """As many as there is room for, evenly."""
    number = min(_MOST[name], len(rows))
    chosen = [rows[place * len(rows) // number] for place in range(number)]
    return [
        Tile(
            out / name / row["file_name"],
            tuple(row.get("concepts") or (row["concept"],)),
            tuple(tuple(one["box"] or one["planned_box"]) for one in row.get("subjects", ())),
        )
        for row in chosen
    ]


def _references(rows: Sequence[Row]) -> list[Row]:
    """The first line of each concept."""
    return list({row["concept"]: row for row in reversed(rows)}.values())[::-1]


def _draw(tile: Tile) -> Image.Image:
    """A picture in its frame, each box and name in a colour of its own."""
    picture = open_picture(tile.path, "out")
    picture.thumbnail((_TILE - 4, _TILE - 4))
    card = Image.new("RGB", (_TILE, _TILE + _LINE), _PAPER)
    card.paste(picture, (2, 2))
    pen = ImageDraw.Draw(card)
    x, font = 4.0, ImageFont.load_default(12)
    for place, name in enumerate(tile.names):
        color = _COLORS[place % len(_COLORS)]
        pen.text((x, _TILE - 1), name, color, font)
        x += pen.textlength(f"{name}  ", font)
        box = tile.boxes[place] if place < len(tile.boxes) else ()
        if box and box != (0, 0, 1, 1):
            edges = [edge * side for edge, side in zip(box, picture.size * 2, strict=True)]
            pen.rectangle([2 + edge for edge in edges], outline=color, width=2)
    return card
