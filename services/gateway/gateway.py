"""What all routes of the gateway work with."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from services.gateway.assistant import Assistant
from services.gateway.settings import GatewaySettings
from services.gateway.uploads import Uploads


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
