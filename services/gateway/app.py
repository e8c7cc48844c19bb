"""The gateway's routes, put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import metadata
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from services.gateway import (
    chat,
    concepts,
    docs,
    errors,
    health,
    models,
    openapi,
    photos,
    questions,
    trainings,
    watch,
)
from services.gateway.edge import Edge
from services.gateway.gateway import Gateway
from services.gateway.mcp.http import add_mcp
from services.gateway.settings import GatewaySettings

_WEB: Final = Path(__file__).parent / "web"


def create_app(settings: GatewaySettings) -> ASGIApp:
    """The gateway as an ASGI app; it connects to the assistant when it is started."""
    gateway = Gateway(settings)
    most_bytes = settings.max_message_mib * 1024 * 1024

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with gateway, mcp.run():
            warning = asyncio.create_task(gateway.warn_if_open())
            yield
            warning.cancel()

    app = FastAPI(
        title="Kith",
        summary="A personal visual memory for any vision-language model.",
        version=metadata.version("kith"),
        lifespan=lifespan,
        docs_url=None,  # FastAPI's pages load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
        max_body_size=most_bytes,
        # Its spans hold query strings, which are what users wrote; `services.runtime` has its own.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    errors.handle_errors(app)
    app.state.gateway = gateway
    apis = (chat, models, concepts, trainings, questions, photos, watch, health, docs)
    for api in apis:
        app.include_router(api.router)
    openapi.describe(app)
    mcp = add_mcp(app, gateway)
    _add_page(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=["*"],
        )
    # Outside of all else, so that even the answer to a bug of ours is marked.
    return Edge(
        app, settings.host, settings.hosts, settings.origins, most_bytes, settings.max_calls
    )


def _add_page(app: FastAPI) -> None:
    """The web page: plain files, and nothing of it is made here."""

    @app.get("/", include_in_schema=False)
    def page() -> Response:
        return FileResponse(_WEB / "index.html")

    app.mount("/static", StaticFiles(directory=_WEB, check_dir=False))
