"""A channel that asks anew for a name, where gRPC asks ever more seldom.

A name has no addresses while all pods or containers behind it are away. gRPC asks again after 1 s,
then 1.6 s, and so on up to two minutes, and no option changes that: a service that was away for
long would stay unreachable for minutes once it is back. A new channel asks at once.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import grpc
from grpc import ChannelConnectivity

_AGAIN_AFTER_S: Final = 2.0
"""As in `kith.channel`, after which gRPC tries an address again."""


class Renewed(grpc.aio.Channel):
    """Stands for a channel, and for a new one where that one fails and the new one connects.

    Until then calls fail as fast as on any channel.

    Args:
        open_one: Opens a channel; called again from the event loop of the first call.
    """

    def __init__(self, open_one: Callable[[], grpc.aio.Channel]) -> None:
        self._open_one = open_one
        self._channel = open_one()
        self._former: grpc.aio.Channel | None = None
        self._watching: asyncio.Task[None] | None = None

    def _now(self) -> grpc.aio.Channel:
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())
        return self._channel

    async def _watch(self) -> None:
        while (state := self._channel.get_state()) is not ChannelConnectivity.SHUTDOWN:
            if state is ChannelConnectivity.TRANSIENT_FAILURE:
                await self._renew()
            else:
                await self._channel.wait_for_state_change(state)

    async def _renew(self) -> None:
        """Try a new channel, and take it if it connects."""
        new = self._open_one()
        try:
            async with asyncio.timeout(_AGAIN_AFTER_S):
                await new.channel_ready()
        except TimeoutError:
            await new.close()
            return
        except BaseException:
            await new.close()
            raise
        # Calls that are just beginning, or still run, may be on the one that goes.
        over, self._former, self._channel = self._former, self._channel, new
        if over is not None:
            await over.close()

    def unary_unary(self, *how: Any, **told: Any) -> Any:  # noqa: ANN401 - what gRPC's own take
        """As gRPC's, on whatever channel there is when it is called."""
        return self._late("unary_unary", how, told)

    def unary_stream(self, *how: Any, **told: Any) -> Any:  # noqa: ANN401 - the same
        """As `unary_unary`."""
        return self._late("unary_stream", how, told)

    def stream_unary(self, *how: Any, **told: Any) -> Any:  # noqa: ANN401 - the same
        """As `unary_unary`."""
        return self._late("stream_unary", how, told)

    def stream_stream(self, *how: Any, **told: Any) -> Any:  # noqa: ANN401 - the same
        """As `unary_unary`."""
        return self._late("stream_stream", how, told)

    def _late(self, kind: str, how: tuple[Any, ...], told: dict[str, Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:  # noqa: ANN401 - the same
            return getattr(self._now(), kind)(*how, **told)(*given, **more)

        return call

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """That of the channel there is."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """That of the channel there is."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """That of the channel there is."""
        await self._channel.channel_ready()

    async def close(self, grace: float | None = None) -> None:
        """Close all that is open."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        for channel in (self._channel, self._former):
            if channel is not None:
                await channel.close(grace)

    async def __aenter__(self) -> "Renewed":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()
