"""A channel that asks anew for a name, where gRPC asks ever more seldom.

A name has no addresses while all pods or containers behind it are away. gRPC asks again after 1 s,
then 1.6 s, and so on up to two minutes, and no option changes that: a service that was away for
long would stay unreachable for minutes once it is back. A new channel asks at once.
"""

import time
from collections.abc import Callable
from typing import Any, Final

import grpc

_AGAIN_AFTER_S: Final = 2.0
"""As in `kith.channel`, after which gRPC tries an address again."""


class Renewed(grpc.aio.Channel):
    """Stands for a channel, and for the next one once that has failed for a while.

    Calls that run on the former one go on to their end.

    Args:
        open_one: Opens a channel; called again from calls, in the event loop.
    """

    def __init__(self, open_one: Callable[[], grpc.aio.Channel]) -> None:
        self._open_one = open_one
        self._open()

    def _open(self) -> None:
        self._channel = self._open_one()
        self._opened = time.monotonic()

    def _now(self) -> grpc.aio.Channel:
        failed = self._channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE
        if failed and time.monotonic() - self._opened > _AGAIN_AFTER_S:
            self._open()
        return self._channel

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
        """Close the channel there is."""
        await self._channel.close(grace)

    async def __aenter__(self) -> "Renewed":
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.close()
