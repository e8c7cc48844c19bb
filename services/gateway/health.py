"""Whether the gateway lives, whether it can be used."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

router = APIRouter(tags=["operation"])


@router.get("/healthz")
async def live() -> dict[str, str]:
    """Say that the gateway itself runs."""
    return {"state": "live"}


@router.get("/readyz")
async def ready(request: Request) -> Response:
    """Say whether the assistant is there, the models of its process loaded: 200, or 503."""
    if await request.app.state.gateway.assistant.is_ready():
        return JSONResponse({"state": "ready"})
    return JSONResponse({"state": "waiting for the assistant"}, status_code=503)
