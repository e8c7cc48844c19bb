"""`/docs`: the OpenAPI document as a page that needs no script and no other host."""

import json
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader

router = APIRouter(include_in_schema=False)

_FOLDER: Final = Path(__file__).parent
_PAGES: Final = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
)
_PAGES.filters["indented"] = lambda value: json.dumps(value, indent=2, ensure_ascii=False)


@router.get("/docs")
def page(request: Request) -> Response:
    """All operations, with what each takes and gives."""
    document: dict[str, Any] = request.app.openapi()
    return HTMLResponse(_PAGES.get_template("docs.html").render(document=document))


@router.get("/docs.css")
def style() -> Response:
    """How the page looks."""
    return Response((_FOLDER / "docs.css").read_text(encoding="utf-8"), media_type="text/css")
