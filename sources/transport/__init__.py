"""The wire: one call becomes one HTTP/1.1 request, and its answer is read in full within bounds.

Two clients do that behind one seam, and one conformance test holds both to the same promises: `bare`, our own over an
`asyncio.Protocol`, and `aiohttp`. A source says which of them it is asked through (`transport` in its settings).
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, Protocol, TypeAlias, get_args

from sources.ports import Call, Reply
from sources.transport.bare import BareClient

Kind: TypeAlias = Literal["bare", "aiohttp"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class Client(Protocol):
    """What speaks HTTP for one source."""

    async def send(self, call: Call) -> Reply: ...

    async def close(self) -> None: ...


class Transport:
    """Sends calls for one source: `send` is one request and one answer, never a repetition. Opens lazily, so that
    starting needs nobody; `close` when done.

    `connections` bounds the calls under way, `timeout` (seconds) one whole call, `max_bytes` one answer, decoded.
    `tls` takes the place of the system's own certificates. Redirections are answers like others; proxies that the
    environment names are not asked.

    `send` raises TimedOut, Unavailable, Garbled or TooLarge. `unsent` is said of a failure only where no connection
    came about: then nothing can have been carried out. A call that is cancelled takes its connection with it.
    """

    def __init__(
        self,
        source: str,
        *,
        kind: Kind = "bare",
        connections: int = 20,
        timeout: float = 5.0,
        max_bytes: int = 8 * 1024 * 1024,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._client = _client(kind)(source, connections, timeout, max_bytes, tls)
        self.send: Callable[[Call], Coroutine[Any, Any, Reply]] = self._client.send  # with no frame in between

    async def close(self) -> None:
        """Closes the sockets; a later `send` opens new ones."""
        await self._client.close()

    async def __aenter__(self) -> Transport:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Opens(Protocol):
    def __call__(
        self, source: str, connections: int, timeout: float, max_bytes: int, tls: ssl.SSLContext | None, /
    ) -> Client: ...


def _client(kind: Kind) -> _Opens:
    if kind == "bare":
        return BareClient
    from sources.transport.by_aiohttp import AiohttpClient

    return AiohttpClient
