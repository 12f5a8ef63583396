"""Access tokens for vendors: fetched once for everybody who waits, renewed before they end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

_EARLY = 30.0  # seconds before its end at which a token is no longer used


class Token(msgspec.Struct, frozen=True):
    """A bearer token; `ends` in seconds of the same clock, infinite where the vendor does not say."""

    value: str
    ends: float = float("inf")
    instance_url: str | None = None  # where the vendor wants to be called with it

    def __repr__(self) -> str:
        return "Token(…)"


class TokenKeeper:
    """Holds one token. However many ask at once, `fetch` runs once; one asker's cancellation harms nobody else."""

    def __init__(self, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float] = time.time) -> None:
        self._fetch, self._clock = fetch, clock
        self._token: Token | None = None
        self._flight: asyncio.Task[Token] | None = None

    async def get(self) -> Token:
        """A token that is still good for a while; raises what `fetch` raises."""
        if self._token is not None and self._token.ends - _EARLY > self._clock():
            return self._token
        if self._flight is None or self._flight.done():
            self._flight = asyncio.create_task(self._renew())
        return await asyncio.shield(self._flight)

    def drop(self, token: Token) -> None:
        """Says that the vendor no longer takes `token`; a newer one stays."""
        if self._token is token:
            self._token = None

    async def _renew(self) -> Token:
        self._token = await self._fetch()
        return self._token
