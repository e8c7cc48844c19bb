"""Whether a service is ready, as those ask who keep it running.

`python -m services.runtime.probe HOST:PORT` (or the URL of a page that answers 200) leaves with 0
if it is: the health check of a container.
"""

import asyncio
import ssl
import sys
from typing import Any, Final

import grpc
import httpx
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.runtime.calls import open_channel
from services.runtime.settings import CallerSettings

_TIMEOUT_S: Final = 3.0


async def is_ready(where: str, settings: CallerSettings) -> bool:
    """Whether the service at HOST:PORT, or behind a URL, is there and says it is ready.

    Args:
        where: Its address.
        settings: Whom to trust and what certificate to show.
    """
    if where.startswith("http"):
        return await _answers(where, settings)
    async with open_channel(where, settings) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)  # its types are incomplete
        try:
            answer = await stub.Check(health_pb2.HealthCheckRequest(), timeout=_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def _answers(url: str, settings: CallerSettings) -> bool:
    trust = ssl.create_default_context(cafile=settings.tls_ca)
    if settings.tls_cert is not None:
        trust.load_cert_chain(settings.tls_cert, settings.tls_key)
    async with httpx.AsyncClient(verify=trust, trust_env=False, timeout=_TIMEOUT_S) as client:
        try:
            return (await client.get(url)).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False


if __name__ == "__main__":
    sys.exit(not asyncio.run(is_ready(sys.argv[1], CallerSettings())))
