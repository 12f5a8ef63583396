"""The connections of one source: who may have one, which are kept, and how a new one comes about."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from functools import lru_cache

from aiohappyeyeballs import AddrInfoType, start_connection

from sources.transport.connection import Connection
from sources.transport.requests import Origin

_KNOWN_SECONDS = 10.0  # that a name's addresses are remembered
_SECOND_TRY = 0.25  # seconds after which the next address is tried beside the one that has not answered (RFC 8305)
_LAST_BYTES = 1.0  # seconds for sockets to close


class Closed(OSError):
    """The pool was closed while a connection was being made."""


class Pool:
    """At most `connections` are in use at once; whoever wants one more waits, first come, first served.

    Those that are not in use are kept for the next question to the same origin, and give way to new ones to others, so
    that there are never more sockets than `connections`.
    """

    def __init__(self, source: str, connections: int, tls: ssl.SSLContext | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._source, self._tls, self.closed = source, tls, False
        self._most = self._turns = connections
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._idle: dict[Origin, list[Connection]] = {}
        self._every: set[Connection] = set()
        self._dialling = 0
        self._known: dict[Origin, tuple[float, list[AddrInfoType]]] = {}

    def now(self) -> float:
        """The time that a question's `until` is of, in seconds."""
        return self._loop.time()

    def take(self, origin: Origin) -> Connection | None:
        """A connection that was kept, at once; None where there is none, or where others wait. To be given back."""
        if not self._turns:
            return None
        kept = self._kept(origin)
        if kept is not None:
            self._turns -= 1
        return kept

    async def connect(self, origin: Origin) -> Connection:
        """A connection as soon as it is one's turn, a new one where none was kept; raises OSError. To be given back."""
        await self._turn()
        try:
            return self._kept(origin) or await self._dial(origin)
        except BaseException:
            self._next()
            raise

    def give(self, origin: Origin, connection: Connection) -> None:
        """Back, to be kept where it can be used again."""
        if connection.is_usable() and not self.closed:
            self._idle.setdefault(origin, []).append(connection)
        self._next()

    async def close(self) -> None:
        """Ends every connection, also those in use."""
        self.closed = True
        for connection in self._every:
            connection.abort()
        if ending := [connection.ended for connection in self._every]:
            await asyncio.wait(ending, timeout=_LAST_BYTES)

    # ---------------------------------------------------------------- turns

    async def _turn(self) -> None:
        if self._turns:
            self._turns -= 1
            return
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled():
                self._next()  # it was this one's turn: it is passed on
            raise

    def _next(self) -> None:
        """A turn is over: the next one's comes."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return
        self._turns += 1

    # ---------------------------------------------------------------- connections

    def _kept(self, origin: Origin) -> Connection | None:
        """The one that was used last: the others may be let go."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if connection.is_usable():
                return connection
        return None

    async def _dial(self, origin: Origin) -> Connection:
        self._dialling += 1
        try:
            if len(self._every) + self._dialling > self._most:
                self._make_room()
            addresses = await self._addresses(origin)
            if origin.tls and self._tls is None:
                self._tls = await self._loop.run_in_executor(None, _certificates)
            context = self._tls if origin.tls else None
            opened = await start_connection(addresses, happy_eyeballs_delay=_SECOND_TRY, interleave=1, loop=self._loop)
            try:
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop, self._source, self._left),
                    sock=opened,
                    ssl=context,
                    server_hostname=origin.name.rstrip(".") if context is not None else None,
                )
            except BaseException:
                opened.close()
                raise
            self._every.add(connection)
        finally:
            self._dialling -= 1
        if self.closed:
            connection.abort()
            raise Closed("closed meanwhile")
        return connection

    def _left(self, connection: Connection) -> None:
        self._every.discard(connection)
        for origin, idle in self._idle.items():
            if connection in idle:
                idle.remove(connection)
                if not idle:
                    del self._idle[origin]
                return

    def _make_room(self) -> None:
        """Lets the connection go that has been idle longest at some origin."""
        for idle in self._idle.values():
            if idle:
                idle.pop(0).close()
                return

    async def _addresses(self, origin: Origin) -> list[AddrInfoType]:
        """Where a name leads; every new connection begins with another one of its addresses."""
        until, found = self._known.get(origin, (0.0, []))
        if until < self.now():
            found = [*await self._loop.getaddrinfo(origin.name, origin.port, type=socket.SOCK_STREAM)]
            until = self.now() + _KNOWN_SECONDS
        self._known[origin] = (until, [*found[1:], *found[:1]])
        return found


@lru_cache(maxsize=1)
def _certificates() -> ssl.SSLContext:
    """The system's own, as `SSL_CERT_FILE` and `SSL_CERT_DIR` may say; reads files."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
