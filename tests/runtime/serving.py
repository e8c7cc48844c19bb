"""A real server on a free port of this machine, and a channel to it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from services.runtime.calls import open_channel
from services.runtime.server import Server, Service
from services.runtime.settings import ServerSettings


@asynccontextmanager
async def served(*services: Service, **settings: Any) -> AsyncIterator[grpc.aio.Channel]:  # noqa: ANN401
    options = ServerSettings(**{"port": 0, "grace_s": 0, **settings})
    async with Server(options, services) as server:
        await server.ready()
        async with open_channel(f"127.0.0.1:{server.port}") as channel:
            yield channel
