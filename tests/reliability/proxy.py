"""A TCP proxy between two services, on which anything that a network does can be done to them."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

DELAY_S: Final = 0.2
CUT_BYTES: Final = 200
"""Of an answer, that still come through."""


class Fault(Enum):
    """What happens to every connection, those included that are open already."""

    DELAY = "delays"
    """Each piece comes `DELAY_S` later, in both directions."""
    RESET = "resets"
    """Connections are reset, new ones as soon as something is sent."""
    SILENCE = "is silent"
    """Half open: connections are accepted, and nothing ever comes. Those made meanwhile stay dead
    when it is over, as after a machine that went away without a word."""
    CUT = "truncates"
    """`CUT_BYTES` of each answer come through, then the connection is closed."""
    REFUSE = "is away"
    """Nobody listens."""


@dataclass(eq=False)
class _Connection:
    """Both ends of one."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter | None = None
    dead: bool = False
    """Nothing comes through any more, and nobody is told."""
    left: int = CUT_BYTES

    def close(self) -> None:
        self.near.close()
        if self.far:
            self.far.close()

    def reset(self) -> None:
        """Ends it by RST, not by FIN."""
        ours: socket.socket = self.near.get_extra_info("socket")
        with suppress(OSError):
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.near.transport.abort()
        if self.far:
            self.far.transport.abort()


class Proxy:
    """Stands before HOST:PORT. Belongs to the event loop it is opened in.

    Args:
        target: Where it leads.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = host, int(port)
        self._fault: Fault | None = None
        self.met = 0
        """How often something that was sent, or an open connection, has met a fault."""
        self._connections: dict[_Connection, asyncio.Task[None]] = {}
        self._server: asyncio.Server | None = None
        self._port = 0

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._port}"

    @asynccontextmanager
    async def up(self) -> AsyncIterator[Self]:
        """Listens."""
        await self._listen()
        try:
            yield self
        finally:
            self._close()
            tasks = list(self._connections.values())
            for connection in self._connections:
                connection.reset()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def suffer(self, fault: Fault) -> None:
        """Has the fault from now on."""
        self._fault = fault
        if fault is Fault.REFUSE:
            self._close()
        for connection in self._connections:
            if fault in (Fault.RESET, Fault.REFUSE):
                connection.reset()
                self.met += 1
            connection.dead = fault is Fault.SILENCE

    async def recover(self) -> None:
        """Lets everything through again, but on connections that are dead."""
        was, self._fault = self._fault, None
        if was is Fault.REFUSE:
            await self._listen()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def _close(self) -> None:
        if self._server:
            self._server.close()
            self._server = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        connection = _Connection(writer, dead=self._fault is Fault.SILENCE)
        self._connections[connection] = task
        try:
            answers, connection.far = await asyncio.open_connection(*self._target)
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._carry(connection, reader, connection.far))
                ways.create_task(self._carry(connection, answers, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            del self._connections[connection]
            connection.close()

    async def _carry(
        self,
        connection: _Connection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        """One way of a connection, until one of its ends has closed it.

        Raises:
            ConnectionResetError: The fault ends it.
        """
        while data := await reader.read(65536):
            self.met += connection.dead or self._fault in (Fault.RESET, Fault.DELAY, Fault.CUT)
            if connection.dead:
                continue
            if self._fault is Fault.RESET:
                connection.reset()
                raise ConnectionResetError
            if self._fault is Fault.DELAY:
                await asyncio.sleep(DELAY_S)
            if self._fault is Fault.CUT and writer is connection.near:
                data = data[: connection.left]
                connection.left -= len(data)
            writer.write(data)
            await writer.drain()
            if not connection.left:
                raise ConnectionResetError
        raise ConnectionResetError
