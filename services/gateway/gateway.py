"""What all routes of the gateway work with."""

import logging
from contextlib import AsyncExitStack
from ipaddress import ip_address
from types import TracebackType
from typing import Self

from kith.errors import KithError
from kith.v1 import query_pb2
from services.gateway.assistant import Assistant
from services.gateway.caller import Caller
from services.gateway.settings import GatewaySettings
from services.gateway.uploads import Uploads
from services.runtime.serving import once_there

_log = logging.getLogger(__name__)


class Gateway:
    """The assistants behind a gateway, and the photos uploaded to it.

    Reached while it is entered: `async with gateway`. Belongs to that event loop.

    Args:
        settings: As the operator chose them.
    """

    def __init__(self, settings: GatewaySettings) -> None:
        self.settings = settings
        self.uploads = Uploads(
            settings.upload_ttl_s, settings.uploads_mib_per_user, settings.uploads_mib
        )
        self.assistant = Assistant(settings.assistant, settings)
        """The one that keeps the memory."""
        self.assistants = {
            method: Assistant(address, settings) for method, address in settings.assistants.items()
        }
        """Further ones, for chats, by their method."""
        self._resources = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for assistant in (self.assistant, *self.assistants.values()):
            await self._resources.enter_async_context(assistant)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._resources.aclose()

    async def warn_if_open(self) -> None:
        """Says in the log when others than this machine's users are let in without a token."""
        if _is_loopback(self.settings.host):
            return
        nobody, request = Caller(None, None), query_pb2.GetCapabilitiesRequest()
        try:
            # Only the assistant knows, and it may come later.
            await once_there(lambda: self.assistant.call(nobody, "GetCapabilities", request))
        except KithError:
            return
        _log.warning(
            "%s lets in anyone who can reach it; set KITH_TOKENS_FILE for the assistant",
            self.settings.host,
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
