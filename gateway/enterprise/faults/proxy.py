"""The fault proxy: listens in front of one upstream, and lets requests through or has them meet a fault."""

from __future__ import annotations

import asyncio
import socket
import time
from collections import Counter, deque
from collections.abc import Callable, Collection
from random import Random
from typing import Any
from urllib.parse import urlsplit

import msgspec

from gateway.enterprise.faults.fault import OFF, Fault, Kind, described
from gateway.enterprise.faults.passage import Passage
from gateway.enterprise.faults.wire import HEAD_BYTES, Head

HOST = "127.0.0.1"
_REMEMBERED = 100_000


class Asked(msgspec.Struct, frozen=True):
    """A request that reached the proxy: when (seconds, on its clock), what it met, and whether it was for a token."""

    at: float
    met: Kind
    token: bool


class FaultProxy:
    """In front of `upstream` (an address such as `http://127.0.0.1:8000`), on a port of its own.

    `tokens` are the paths where tokens are fetched: counted apart. Listens after `start`, until `close`.
    """

    def __init__(
        self,
        name: str,
        upstream: str,
        *,
        tokens: Collection[str] = (),
        seed: int = 7,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.upstream = name, upstream
        parts = urlsplit(upstream)
        self._address = (parts.hostname or HOST, parts.port or 80)
        self._tokens, self._random, self._clock = frozenset(tokens), Random(seed), clock
        # Bound for good and never listening: while the port is closed nobody else can take it.
        self._guard = _bound(0)
        self._port: int = self._guard.getsockname()[1]
        self.url = f"http://{HOST}:{self._port}"
        self._server: asyncio.Server | None = None
        self._passages: dict[asyncio.Task[Any], Passage] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self.fault = OFF
        self.counts: Counter[Kind] = Counter()
        self.token_calls = 0
        self.asks: deque[Asked] = deque(maxlen=_REMEMBERED)

    async def start(self) -> None:
        """Listens, and is transparent."""
        await self._open()

    async def set(self, fault: Fault, lasts: float | None = None) -> None:
        """From now on requests meet `fault`: for `lasts` seconds, or until the next `set`. Requests under way keep
        theirs, except that `down` and `dead` reset every connection."""
        self._stop_timer()
        self.fault = fault
        if fault.kind is Kind.DOWN:
            await self._shut()
        else:
            await self._open()
        if fault.kind in (Kind.DOWN, Kind.DEAD):
            await self._drop()
        if lasts is not None and fault != OFF:
            self._timer = asyncio.get_running_loop().call_later(lasts, self._over)

    async def close(self) -> None:
        """Ends every connection and gives the port back."""
        self._stop_timer()
        await self._shut()
        await self._drop()
        self._guard.close()

    def forget(self) -> None:
        """Counts from nothing again."""
        self.counts.clear()
        self.token_calls = 0
        self.asks.clear()

    def state(self) -> dict[str, Any]:
        """What it plays and what it has counted, as JSON. `endsIn`: seconds, where the fault ends by itself."""
        fault, timer = self.fault, self._timer
        return {
            "source": self.name,
            "fault": fault.kind.value,
            "text": described(fault),
            "seconds": fault.seconds,
            "jitter": fault.jitter,
            "percent": fault.percent,
            "retryAfter": fault.retry_after,
            "endsIn": None if timer is None else max(0.0, timer.when() - asyncio.get_running_loop().time()),
            "asks": {kind.value: self.counts[kind] for kind in Kind if self.counts[kind]},
            "tokens": self.token_calls,
            "url": self.url,
            "upstream": self.upstream,
        }

    def _meet(self, head: Head) -> Fault:
        met = self.fault
        if met.percent < 100 and self._random.random() * 100 >= met.percent:
            met = OFF
        token = head.path in self._tokens
        if token:
            self.token_calls += 1
        else:
            self.counts[met.kind] += 1
        self.asks.append(Asked(self._clock(), met.kind, token))
        return met

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passage = Passage((reader, writer), self._address, self._meet, self._random)
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - tells the type checker that a server runs this
        self._passages[task] = passage
        try:
            await passage.run()
        except asyncio.CancelledError:
            return  # it was dropped
        finally:
            del self._passages[task]

    async def _open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, sock=_bound(self._port), limit=HEAD_BYTES)

    async def _shut(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await asyncio.sleep(0)  # some loops close a socket in their next round only

    async def _drop(self) -> None:
        dropped = dict(self._passages)
        for task, passage in dropped.items():
            passage.reset()
            task.cancel()
        await asyncio.gather(*dropped, return_exceptions=True)

    def _over(self) -> None:
        self._timer = None
        self._ending = asyncio.get_running_loop().create_task(self.set(OFF))

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _bound(port: int) -> socket.socket:
    """A socket on a port that others of ours may be bound to as well; only one of them listens."""
    # With the protocol named, asyncio sets TCP_NODELAY on what it accepts; without, an answer is 40 ms late.
    bound = socket.socket(proto=socket.IPPROTO_TCP)
    bound.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_REUSEPORT", socket.SO_REUSEADDR), 1)
    bound.bind((HOST, port))
    return bound
