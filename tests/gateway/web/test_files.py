"""The page's files, read as they are: what a strict browser and a careful user rely on."""

import re
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from services.gateway import app

WEB = Path(app.__file__).parent / "web"
SCRIPTS = sorted(WEB.glob("*.js"))


class Page(HTMLParser):
    """Every element of the page with its attributes, and the text within scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self.feed((WEB / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] in ("script", "style"):
            self.inline += data.strip()


def test_the_page_runs_under_a_policy_that_allows_nothing_inline() -> None:
    page = Page()
    assert page.inline == ""
    for tag, attributes in page.elements:
        assert "style" not in attributes, tag
        assert not [name for name in attributes if name.startswith("on")], tag


def test_all_that_the_page_names_lies_beside_it() -> None:
    for tag, attributes in Page().elements:
        for name in ("src", "href"):
            address = attributes.get(name)
            if address is None or address.startswith("#"):
                continue
            assert (WEB / address.removeprefix("static/")).is_file(), f"{tag} {address}"


def test_every_label_and_every_reference_leads_somewhere() -> None:
    elements = Page().elements
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in elements:
        for name in ("aria-labelledby", "aria-describedby", "list", "for"):
            for wanted in (attributes.get(name) or "").split():
                assert wanted in ids, f"{tag} {name}={wanted}"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_only_ever_writes_text_and_asks_only_its_own_server(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", text)
    assert not re.search(r"https?://", text)
    for name in re.findall(r'from "\./([^"]+)"', text):
        assert (WEB / name).is_file(), name
    wanted = set(re.findall(r'byId\("([^"]+)"\)', text))
    assert wanted <= {attributes.get("id") for _, attributes in Page().elements}


def test_the_style_sheets_load_nothing_from_elsewhere() -> None:
    for sheet in WEB.glob("*.css"):
        assert not re.search(r"@import|url\(", sheet.read_text(encoding="utf-8")), sheet.name


def test_the_gateway_serves_the_page_with_a_strict_policy(http: httpx.Client) -> None:
    page = http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    script = http.get("/static/main.js")
    assert "javascript" in script.headers["content-type"]
