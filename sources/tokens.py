"""Access tokens for vendors: fetched once for everybody who waits, renewed before they end, replaced when refused."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from sources.credentials import replaceable
from sources.errors import Garbled, Unauthorised
from sources.flights import Flights, own

T = TypeVar("T")
_EARLY = 30.0  # seconds before its end at which a token is no longer used, a tenth of its life at the most
_PAUSE = 5.0  # seconds after a refusal of who we are, in which it would be given again
_VISIBLE = re.compile(r"[!-~]+")


class Token(msgspec.Struct, frozen=True):
    """A bearer token; `ends` in seconds of the same clock, infinite where the vendor does not say."""

    value: str
    ends: float = float("inf")
    instance_url: str | None = None  # where the vendor wants to be called with it

    def __repr__(self) -> str:
        return "Token(…)"


class TokenKeeper:
    """Holds one token of `source`. However many ask at once, `fetch` runs once, and goes on when they leave.

    A source that refuses our credentials, or a token it has just given, is not asked again for a few seconds: its
    answer would be the same, and many such questions lock an account. After every other failure the next one may try.
    """

    def __init__(
        self, source: str, fetch: Callable[[], Awaitable[Token]], clock: Callable[[], float] = time.time
    ) -> None:
        self._source, self._fetch, self._clock = source, fetch, clock
        self._flights = Flights(source)
        self._token: Token | None = None
        self._good_until = 0.0
        self._refusal: Unauthorised | None = None
        self._refused_until = 0.0

    async def get(self) -> Token:
        """A token that is still good for a while; raises what `fetch` raises."""
        now = self._clock()
        if self._token is not None and now < self._good_until:
            return self._token
        if self._refusal is not None and now < self._refused_until:
            raise own(self._refusal)
        return await self._flights.join("token", self._renew)

    async def using(self, call: Callable[[Token], Awaitable[T]]) -> T:
        """What `call` gives with a token; one that is refused (401) is replaced once."""
        token = await self.get()
        try:
            with replaceable():
                return await call(token)
        except Unauthorised as error:
            if error.status != 401:
                raise
            self.drop(token)
        fresh = await self.get()
        try:
            return await call(fresh)
        except Unauthorised as error:
            if error.status == 401:
                self.drop(fresh)
                self._pause(error)
            raise

    def drop(self, token: Token) -> None:
        """Says that the vendor no longer takes `token`; a newer one stays."""
        if self._token is token:
            self._token = None

    async def close(self) -> None:
        """Gives up what is under way."""
        await self._flights.close()

    async def _renew(self) -> Token:
        try:
            token = await self._fetch()
        except Unauthorised as error:
            error.source = error.source or self._source
            self._pause(error)
            raise
        now = self._clock()
        self._token, self._refusal = token, None
        self._good_until = token.ends - min(_EARLY, max(0.0, token.ends - now) / 10)
        return token

    def _pause(self, refusal: Unauthorised) -> None:
        self._refusal, self._refused_until = own(refusal), self._clock() + _PAUSE


def bearer(value: str, source: str) -> str:
    """A token as it came with an answer; raises Garbled for what cannot stand in a header."""
    if not _VISIBLE.fullmatch(value):
        raise Garbled(f"`{source}` gives a token that is none", source=source)
    return value


def lifetime(seconds: str | int, source: str) -> int:
    """The seconds a token lives, as they came with an answer; raises Garbled for what is no such number."""
    text = str(seconds)
    if not (text.isascii() and text.isdigit() and int(text[:10]) > 0):
        raise Garbled(f"`{source}` gives a token for no time", source=source)
    return int(text[:10])
