"""`python -m tests.runtime.modelless`: a service without a model, which has health and no more."""

import asyncio
import sys

from kith.v1 import embedding_pb2
from services.runtime import serving
from services.runtime.server import Server
from services.runtime.settings import ServerSettings


async def _loaded(_: Server) -> None:
    pass


if __name__ == "__main__":
    service = embedding_pb2.DESCRIPTOR.services_by_name["Embedding"]
    asyncio.run(serving.serve(ServerSettings(), [service], _loaded, lambda _: None))
    sys.stderr.write("stopped in order\n")
