"""A page as its reader sees it: tables, links and pictures."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path


class Page(HTMLParser):
    """What stands in a page.

    Args:
        file: Of the page.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.text = file.read_text(encoding="utf-8")
        self.addresses: list[str] = []
        """What links, pictures and the like point to."""
        self.ids: list[str] = []
        self.tags: list[str] = []
        self.tables: dict[str, list[list[str]]] = {}
        """Rows of cells by the title of the table; a division's title is a row of one cell."""
        self._title = ""
        self._within = ""
        self.feed(self.text)

    def row(self, table: str, group: str, label: str) -> list[str]:
        """The cells behind a label, in a division of a table."""
        rows = iter(self.tables[table])
        if group:
            next(row for row in rows if row == [group])
        return next(row[1:] for row in rows if row[0] == label)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.tags.append(tag)
        self.addresses += [
            told[one] or "" for one in ("href", "src", "data", "action") if one in told
        ]
        self.ids += [told["id"] or ""] if "id" in told else []
        if tag == "h3":
            self._title = ""
        elif tag == "table":
            self.tables[self._title.strip()] = []
        elif tag == "tr":
            self.tables[self._title.strip()].append([])
        elif tag in ("td", "th"):
            self.tables[self._title.strip()][-1].append("")
        self._within = tag if tag in ("h3", "td", "th") else self._within

    def handle_endtag(self, tag: str) -> None:
        if tag == self._within:
            self._within = ""

    def handle_data(self, data: str) -> None:
        if self._within == "h3":
            self._title += data
        elif self._within:
            self.tables[self._title.strip()][-1][-1] += data


def told(page: Page) -> Iterator[str]:
    """The text of all cells."""
    for rows in page.tables.values():
        for row in rows:
            yield from row
